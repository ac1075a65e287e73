import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { diskFull, isDiskFull } from '../postgres/folder-failure.ts'

/** The one key pair of a home: the root user of the account that owns everything in its regions. */
export interface RootCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * The key pair of a home, made once and kept in a file that only its owner reads.
 *
 * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
 */
export async function rootCredentials(file: string): Promise<RootCredentials> {
  const text = (await readText(file)) ?? (await makeOnce(file))
  const credentials: Partial<RootCredentials> = parse(text, file)
  const { accessKeyId, secretAccessKey } = credentials
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') throw damaged(file)
  return { accessKeyId, secretAccessKey }
}

async function makeOnce(file: string): Promise<string> {
  const credentials: RootCredentials = {
    accessKeyId: `AKIA${systemRandom.hex(16).toUpperCase()}`,
    secretAccessKey: systemRandom.hex(40),
  }
  const temporary = `${file}.${systemRandom.hex(12)}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o711 })
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(credentials, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Of two processes that make a pair at once, the first one's stays.
    await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await rm(temporary, { force: true })
  } catch (cause) {
    const hint = 'Give this account the right to write there, or use another --home.'
    if (isDiskFull(cause)) {
      await rm(temporary, { force: true })
      throw diskFull(file, cause)
    }
    throw new LifeboatError('FolderNotUsable', `'${file}' cannot be written`, { hint, cause })
  }
  return await readFile(file, 'utf8')
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    const hint = 'Use the account that made the home, or another --home.'
    throw new LifeboatError('FolderNotUsable', `'${file}' cannot be read`, { hint, cause })
  }
}

function parse(text: string, file: string): Partial<RootCredentials> {
  try {
    return JSON.parse(text) ?? {}
  } catch (cause) {
    if (cause instanceof SyntaxError) throw damaged(file)
    throw cause
  }
}

function damaged(file: string) {
  return new LifeboatError('StateDamaged', `'${file}' does not hold a key pair`, {
    hint: 'Put the file back, or remove it to have new keys made.',
  })
}
