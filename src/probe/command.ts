import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'

const KEPT_BYTES = 64 * 1024
const KILL_AFTER_MS = 2_000
const STREAMS_CLOSE_MS = 500

export interface CommandOrder {
  /** The program and what it is given; no shell reads it. */
  readonly argv: readonly string[]
  /** All that the program sees of an environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Where it runs; by default where this process does. */
  readonly folder?: string
  /** Ends the program with all that it has begun: first kindly, then not. */
  readonly signal: AbortSignal
}

/** How a program ended. */
export interface CommandEnd {
  /** Null when a signal ended it, or when there is no such program. */
  readonly code: number | null
  /** As `ended with 3`. */
  readonly how: string
  /** The end of what it wrote to both streams, 64 KiB at most. */
  readonly output: string
}

/** Runs a program to its end, in a process group of its own. */
export function runCommand({
  argv: [program = '', ...args],
  environment,
  folder,
  signal,
}: CommandOrder): Promise<CommandEnd> {
  if (signal.aborted) return Promise.resolve({ code: null, how: 'was not begun', output: '' })
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(folder !== undefined && { cwd: folder }),
    })
    const tail = new Tail()
    child.stdout.on('data', (chunk: Buffer) => tail.add(chunk))
    child.stderr.on('data', (chunk: Buffer) => tail.add(chunk))
    let killing: NodeJS.Timeout | undefined
    const end = (code: number | null, how: string) => {
      clearTimeout(killing)
      signal.removeEventListener('abort', onAbort)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, how, output: tail.text() })
    }
    const onAbort = () => {
      endGroup(child.pid, 'SIGTERM')
      killing = setTimeout(() => endGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    child.once('error', (error: NodeJS.ErrnoException) => {
      end(null, `cannot be started (${error.code})`)
    })
    child.once('exit', (code, by) => {
      const done = () => end(code, code === null ? `was ended by ${by}` : `ended with ${code}`)
      // What it wrote last may still be in its streams, which something that it left running may hold open.
      const closing = setTimeout(done, STREAMS_CLOSE_MS)
      child.once('close', () => {
        clearTimeout(closing)
        done()
      })
    })
  })
}

/** The newest bytes of a stream. */
class Tail {
  #chunks: Buffer[] = []
  #bytes = 0

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > 2 * KEPT_BYTES) this.#cut()
  }

  text(): string {
    this.#cut()
    return Buffer.concat(this.#chunks).toString()
  }

  #cut(): void {
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(-KEPT_BYTES)]
    this.#bytes = Math.min(all.length, KEPT_BYTES)
  }
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Programs of this machine that still run and were given these variables, as when who began them was killed.
 *
 * @returns their process numbers
 */
export async function findCommands(
  environment: Readonly<Record<string, string>>,
): Promise<number[]> {
  const wanted = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const variables = (await environmentOf(pid)).split('\0')
      return pid !== process.pid && wanted.every((one) => variables.includes(one)) ? [pid] : []
    }),
  )
  return found.flat()
}

/** Empty for a process of another account, or one that has ended. */
async function environmentOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/environ`, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}
