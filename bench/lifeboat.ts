import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/core/clock.ts'
import { entryPoint } from '../src/core/entry-point.ts'
import type { PostgresBinaries } from '../src/postgres/binaries.ts'
import type { Contender, Restored, RestoreTo, Source, Timed } from './contender.ts'
import type { Reply, Requests } from './lifeboat-process.ts'
import { descendsFrom, folderBytes, measured, type ProcessRow } from './machine.ts'
import { measureRestore } from './restored.ts'

/**
 * Lifeboat as it runs in an embedded region: a resident process that supervises the cluster and streams its WAL. What is
 * timed is one request to it, from asking to its answer.
 */
export class Lifeboat implements Contender {
  readonly name = 'Lifeboat'
  readonly #process: ChildProcess
  readonly #isOurs = (row: ProcessRow, all: readonly ProcessRow[]) =>
    descendsFrom(this.#process.pid!, row, all)

  constructor(private readonly folder: string) {
    const program = fileURLToPath(entryPoint(import.meta.url, './lifeboat-process.ts'))
    this.#process = fork(program, [], { serialization: 'advanced', execArgv: [] })
  }

  /** Makes and starts the cluster that is to be backed up. */
  async createSource(o: {
    templates: string
    binaries: PostgresBinaries
    settings: Readonly<Record<string, string>>
  }): Promise<Source> {
    const { templates, binaries, settings } = o
    const created = await this.#ask('create', {
      templates,
      binaries,
      settings,
      folder: this.folder,
    })
    const configure = async (wanted: Readonly<Record<string, string>>) => {
      await this.#ask('configure', wanted)
    }
    return { ...created, binaries, configure }
  }

  async begin(): Promise<void> {
    await this.#ask('begin', undefined)
  }

  async backUp(kind: 'full' | 'incremental'): Promise<Timed> {
    return measured(this.#isOurs, () => this.#ask('backUp', kind))
  }

  storedBytes(): Promise<number> {
    return folderBytes(join(this.folder, 'lifeboat', 'vault'))
  }

  async untilArchived(time: Date): Promise<void> {
    while ((await this.#ask('latestRestorable', undefined)) < time.getTime()) {
      await systemClock.sleep(50)
    }
  }

  restore(to: RestoreTo): Promise<Restored> {
    return measureRestore(
      this.#isOurs,
      () => this.#ask('restore', to === 'newest backup' ? to : { timeMs: to.time.getTime() }),
      async () => {
        await this.#ask('untilDurable', undefined)
      },
    )
  }

  async discard(): Promise<void> {
    await this.#ask('discard', undefined)
  }

  async close(): Promise<void> {
    if (!this.#process.connected) return
    await this.#ask('end', undefined)
    const ended = once(this.#process, 'exit')
    this.#process.disconnect()
    await ended
  }

  /** Ends it at once; its servers end with it, and whatever was asked of it fails. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async #ask<Name extends keyof Requests>(
    name: Name,
    input: Requests[Name]['input'],
  ): Promise<Requests[Name]['output']> {
    const gone = new AbortController()
    const ended = once(this.#process, 'exit', { signal: gone.signal }).then(
      () => ({ error: "Lifeboat's process ended" }),
      () => ({ error: '' }),
    )
    this.#process.send({ name, input })
    const answered = once(this.#process, 'message', { signal: gone.signal }).then(
      ([reply]) => reply as Reply,
      () => ({ error: '' }),
    )
    const reply = await Promise.race([answered, ended])
    gone.abort()
    if ('error' in reply) throw new Error(`${name}: ${reply.error}`)
    return reply.output as Requests[Name]['output']
  }
}
