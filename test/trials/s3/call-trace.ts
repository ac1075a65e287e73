import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

const CALLS = [
  'openat',
  'pwrite64',
  'pwritev',
  'write',
  'writev',
  'ftruncate',
  'fsync',
  'fdatasync',
]

/**
 * What a process writes, syncs and answers, as the kernel was asked, call by call.
 *
 * Tells of each answer which files under a folder had been written and not synced when it was given: a power cut at that
 * moment would lose what was acknowledged. A kill alone never shows that, as the kernel keeps what it was given.
 */
export class CallTrace {
  private constructor(
    private readonly file: string,
    private readonly folder: string,
    private readonly tracer: ReturnType<typeof spawn>,
  ) {}

  /** @param folder  of the files that count */
  static async begin(o: { pid: number; file: string; folder: string }): Promise<CallTrace> {
    const args = ['--follow-forks', '--decode-fds=path', `--trace=${CALLS}`, '--string-limit=16']
    const tracer = spawn('strace', [...args, `--attach=${o.pid}`, `--output=${o.file}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [told] = await Promise.race([once(tracer.stderr, 'data'), once(tracer, 'exit')])
    if (!/attached/.test(`${told}`)) throw new Error(`strace did not attach: ${told}`)
    return new CallTrace(o.file, o.folder, tracer)
  }

  /** One for each answer since the beginning: its status, and the files that were not synced. */
  async end(): Promise<readonly Answer[]> {
    const ended = once(this.tracer, 'exit')
    this.tracer.kill('SIGINT')
    await ended
    const reader = new Reader(this.folder)
    for (const line of (await readFile(this.file, 'utf8')).split('\n')) reader.read(line)
    return reader.answers
  }
}

/** What was written and not synced when an answer was given, and how many syncs there were since the one before. */
interface Answer {
  readonly status: number
  readonly unsynced: readonly string[]
  readonly syncs: number
}

class Reader {
  readonly answers: Answer[] = []
  readonly #unsynced = new Set<string>()
  /** Calls that were begun, by the thread that waits for them. */
  readonly #begunByThread = new Map<string, string>()
  /** Descriptors that sync what they write by themselves. */
  readonly #synchronous = new Set<string>()
  #syncs = 0

  constructor(private readonly folder: string) {}

  read(line: string): void {
    const [, thread = '', resumed, rest = ''] =
      /^(\d+) +(<\.\.\. \w+ resumed>)?(.*)$/.exec(line) ?? []
    const isBegun = rest.endsWith('<unfinished ...>')
    const whole = resumed ? (this.#begunByThread.get(thread) ?? '') + rest : rest
    if (isBegun) this.#begunByThread.set(thread, rest.replace(/ ?<unfinished \.\.\.>$/, ''))
    // What a call has written counts from its beginning, what it has synced from its end.
    if (!resumed) this.#begin(whole)
    if (!isBegun) this.#end(whole)
  }

  #begin(call: string): void {
    const status = /^write.*"HTTP\/1\.1 (\d{3})/.exec(call)?.[1]
    if (status !== undefined) {
      this.answers.push({
        status: Number(status),
        unsynced: [...this.#unsynced],
        syncs: this.#syncs,
      })
      this.#syncs = 0
      return
    }
    const [, fd = '', path = ''] =
      /^(?:p?writev?(?:64)?|ftruncate)\((\d+)<([^>]*)>/.exec(call) ?? []
    if (this.#isOurs(path) && !this.#synchronous.has(fd)) this.#unsynced.add(path)
  }

  #end(call: string): void {
    const [, synced = ''] = /^f(?:data)?sync\(\d+<([^>]*)>\) += 0$/.exec(call) ?? []
    if (this.#isOurs(synced)) {
      this.#unsynced.delete(synced)
      this.#syncs += 1
    }
    const [, path = '', flags = '', fd = ''] =
      /^openat\([^"]*"([^"]+)", ([A-Z_|]+).* = (\d+)</.exec(call) ?? []
    if (/O_D?SYNC/.test(flags)) this.#synchronous.add(fd)
    else this.#synchronous.delete(fd)
    // A new name is lost as long as its folder is not synced.
    if (this.#isOurs(path) && /O_EXCL/.test(flags)) this.#unsynced.add(dirname(path))
  }

  #isOurs(path: string): boolean {
    // LMDB's lock file is of its running processes.
    return path.startsWith(this.folder) && !path.endsWith('-lock')
  }
}
