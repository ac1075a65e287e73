import { type FileHandle, open, readFile, rename, stat, statfs } from 'node:fs/promises'
import { LifeboatError } from '../core/errors.ts'
import { diskFull } from './folder-failure.ts'

const ROTATE_AT_BYTES = 16 << 20
/** With less than this a server cannot even write a line to its log. */
const FULL_BELOW_BYTES = 64 << 10

/** The log of one cluster's server. The one before it is kept as `<file>.1`. */
export class ServerLog {
  #runStart = 0

  constructor(readonly file: string) {}

  /** Opens it for a server that is about to start; from here on `failure` speaks of that server. */
  async open(): Promise<FileHandle> {
    if ((await sizeOf(this.file)) > ROTATE_AT_BYTES) await rename(this.file, `${this.file}.1`)
    const handle = await open(this.file, 'a', 0o600)
    this.#runStart = (await handle.stat()).size
    return handle
  }

  async #textOfRun(): Promise<string> {
    return (await sizeOf(this.file)) > 0
      ? (await readFile(this.file)).subarray(this.#runStart).toString()
      : ''
  }

  /** Why the server ended, as its log tells it. */
  async failure(o: { dataDirectory: string; port: number; what: string }): Promise<LifeboatError> {
    const { dataDirectory, port, what } = o
    const text = await this.#textOfRun()
    if (/could not bind .*Address already in use/.test(text)) {
      return new LifeboatError('PortTaken', `port ${port} is taken by another program`, {
        hint: 'End the other program, or choose another port.',
      })
    }
    if (/No space left on device/.test(text) || (await isFull(dataDirectory))) {
      return diskFull(dataDirectory)
    }
    if (/lock file "postmaster.pid" already exists/.test(text)) {
      return new LifeboatError('AlreadyRunning', `another server runs on '${dataDirectory}'`, {
        hint: 'Stop it first, or use another folder.',
      })
    }
    return new LifeboatError(
      'PostgresFailed',
      `the server in '${dataDirectory}' ${what}${reason(text)}`,
      {
        hint: `Read its log: ${this.file}`,
      },
    )
  }
}

/** A mistake in the settings is told at level LOG, and only then fatal. */
const GRAVE =
  /\b(FATAL|PANIC|ERROR|DETAIL|HINT):|error while loading|LOG: +(invalid|unrecognized|could not|syntax error)/

/** The last lines that say what went wrong, without their time stamps. */
function reason(text: string): string {
  const lines = text.trim().split('\n').filter(Boolean)
  const grave = lines.filter((line) => GRAVE.test(line))
  const last = (grave.length > 0 ? grave : lines).slice(-3)
  return last.map((line) => `: ${line.replace(/^.*?\[\d+\]\s*/, '').replace(/\s+/g, ' ')}`).join('')
}

async function isFull(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize < FULL_BELOW_BYTES
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
