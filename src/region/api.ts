import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { Identity } from './identity.ts'
import { Endpoint } from './protocol/endpoint.ts'
import { HttpServer } from './protocol/http-server.ts'
import type { OpenService } from './protocol/open-service.ts'
import type { Service } from './protocol/service.ts'
import type { StreamService } from './protocol/stream-service.ts'

/** A service that a process runs, with what it must release at the end. */
export interface OpenedService {
  readonly service?: Service
  /** In place of it, one that reads its bodies itself. */
  readonly stream?: StreamService
  /** What it answers without a signature. */
  readonly open?: OpenService
  /** Begins what it does by itself; called once the process answers. */
  begin?(): void
  close(): Promise<void>
}

/** Services behind one HTTP endpoint in this process. */
export class Api {
  readonly #endpoint: Endpoint
  #server: HttpServer | undefined

  constructor(
    private readonly o: {
      /** The region that requests must be signed for. */
      region: string
      opened: readonly OpenedService[]
      identity: Identity
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {
    const { region, opened, identity, clock, onError } = o
    this.#endpoint = new Endpoint({
      region,
      keys: identity.keys,
      authorize: identity.authorizer.authorize,
      services: opened.flatMap(({ service }) => (service ? [service] : [])),
      streams: opened.flatMap(({ stream }) => (stream ? [stream] : [])),
      opens: opened.flatMap(({ open }) => (open ? [open] : [])),
      clock,
      random: systemRandom,
      onError,
    })
  }

  /** Where it answers; empty until it listens. */
  get endpoint(): string {
    return this.#server ? `http://127.0.0.1:${this.#server.port}` : ''
  }

  /** Listens on 127.0.0.1. @throws LifeboatError `PortTaken` */
  async listen(port = 0): Promise<{ port: number }> {
    this.#server = await HttpServer.listen({
      port,
      answer: (raw) => this.#endpoint.answer(raw),
      bodyLimit: (head) => this.#endpoint.bodyLimit(head),
      isStreamed: (head) => this.#endpoint.isStreamed(head),
      answerStream: (raw) => this.#endpoint.answerStream(raw),
      onError: this.o.onError,
    })
    for (const { begin } of this.o.opened) begin?.()
    return { port: this.#server.port }
  }

  /** Stops answering, then closes the services in the reverse order of their opening. */
  async close(): Promise<void> {
    await this.#server?.close()
    for (const { close } of [...this.o.opened].reverse()) await close()
  }
}

export function withoutResources(service: Service): OpenedService {
  return { service, close: async () => undefined }
}
