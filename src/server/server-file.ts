import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemRandom } from '../core/random.ts'
import { type Executor, isGone } from '../runbook/executor.ts'

/** Where a running Lifeboat of a home is found, and the word by which it knows its own. */
export interface ServerFile {
  readonly process: Executor
  /** On 127.0.0.1. */
  readonly port: number
  readonly token: string
}

/** Written whole or not at all, readable by its owner only (I12). */
export async function writeServerFile(home: string, content: ServerFile): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 })
  const draft = join(home, `server.json.${systemRandom.hex(8)}`)
  await writeFile(draft, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
  await rename(draft, pathOf(home))
}

/** Undefined when there is none, or when the process that wrote it is gone. */
export async function findServerFile(home: string): Promise<ServerFile | undefined> {
  const content = await readServerFile(home)
  return content && !isGone(content.process, 0) ? content : undefined
}

/** Removes the file of this server; that of a later one stays. */
export async function removeServerFile(home: string, { token }: ServerFile): Promise<void> {
  const there = await readServerFile(home)
  if (there?.token === token) await rm(pathOf(home), { force: true })
}

async function readServerFile(home: string): Promise<ServerFile | undefined> {
  try {
    return JSON.parse(await readFile(pathOf(home), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Somebody else wrote it: no server of ours is to be found by it.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function pathOf(home: string): string {
  return join(home, 'server.json')
}
