import type { Ecs } from '../ecs.ts'
import type { TaskAgent } from '../tasks/task-agent.ts'
import { ServiceLoop } from './service-loop.ts'

/** How often tasks that stopped long ago are forgotten, in milliseconds. */
const EXPIRE_EVERY_MS = 60_000

/** Keeps every service of a region at its desired count, from `begin` until it is closed. */
export class ServiceScheduler {
  readonly #loops = new Map<string, ServiceLoop>()
  readonly #running = new Set<Promise<void>>()
  readonly #ending = new AbortController()

  constructor(
    private readonly ecs: Ecs,
    private readonly agent: TaskAgent,
    private readonly onError: (error: unknown) => void,
  ) {}

  begin(): void {
    this.ecs.tasks.onChange = ({ cluster, service }) => {
      if (service !== undefined) this.#loops.get(`${cluster}/${service}`)?.wake()
    }
    for (const service of this.ecs.services()) {
      if (service.status !== 'INACTIVE') this.ensure(service)
    }
    this.#keep(this.#expire())
  }

  /** Looks after a service that was made or changed, with its former failures forgotten. */
  ensure({ cluster, name }: { cluster: string; name: string }): void {
    if (this.#ending.signal.aborted) return
    const key = `${cluster}/${name}`
    const known = this.#loops.get(key)
    if (known) {
      known.reset()
      return
    }
    const loop = new ServiceLoop(this.ecs, this.agent, { cluster, name }, this.onError)
    this.#loops.set(key, loop)
    this.#keep(loop.run(this.#ending.signal).finally(() => this.#loops.delete(key)))
  }

  /** Starts and stops nothing any more. */
  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#running)
  }

  #keep(work: Promise<void>): void {
    const kept = work
      .catch((error: unknown) => {
        if (!this.#ending.signal.aborted) this.onError(error)
      })
      .finally(() => this.#running.delete(kept))
    this.#running.add(kept)
  }

  async #expire(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await this.agent.forget(await this.ecs.tasks.expire())
      await this.ecs.o.clock.sleep(EXPIRE_EVERY_MS, signal)
    }
  }
}
