import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'

const STOPS_WITHIN_MS = 5_000

/**
 * A process that stands beside Lifeboat in the demo: the shop, its customers.
 *
 * It holds a channel to us, so that it ends when we do, however we end.
 */
export class Companion {
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
    private readonly log: string,
    private readonly clock: Clock,
  ) {
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 'error'))
      child.once('error', () => resolve('error'))
    })
  }

  /**
   * Starts `program` in a process group of its own, so that Ctrl-C in the terminal reaches only us and
   * things end in order.
   *
   * @param onLine  called for every line that it prints; all of them are also kept in `log`
   */
  static start(o: {
    name: string
    program: URL
    environment: NodeJS.ProcessEnv
    log: string
    clock: Clock
    onLine?: (line: string) => void
  }): Companion {
    const child = spawn(process.execPath, [fileURLToPath(o.program)], {
      env: o.environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    const log = createWriteStream(o.log, { flags: 'a' })
    child.stderr?.pipe(log, { end: false })
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.write(`${line}\n`)
        o.onLine?.(line)
      })
    }
    return new Companion(o.name, child, o.log, o.clock)
  }

  /**
   * Resolves when it has ended by itself with exit code 0.
   *
   * @throws LifeboatError `Unexpected` naming its log
   */
  async succeed(): Promise<void> {
    const end = await this.ended
    if (end !== 0) throw this.#itEnded(end)
  }

  /** Never resolves. @throws LifeboatError `Unexpected` naming its log, when it has ended, however it did */
  async last(): Promise<never> {
    throw this.#itEnded(await this.ended)
  }

  #itEnded(end: number | string): LifeboatError {
    return new LifeboatError('Unexpected', `${this.name} ended with ${end}`, {
      hint: `Read why in ${this.log}.`,
    })
  }

  /** Asks it to end, waits for it to put things away, and ends it by force when that takes too long. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    const patience = new AbortController()
    const tooLong = this.clock.sleep(STOPS_WITHIN_MS, patience.signal).then(
      () => this.child.kill('SIGKILL'),
      () => false,
    )
    await this.ended
    patience.abort()
    await tooLong
  }
}
