import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode } from 'dns-packet'

/** A question and what came of it; times are those of `performance.now`. */
export interface Asked {
  readonly sentMs: number
  /** Undefined while there is none. */
  readonly address?: string | undefined
  readonly ttlSeconds?: number | undefined
}

/** Asks for the address of one name by UDP, so many times at once and again at once, until it is told to end. */
export class Asker {
  /** In the order in which they were answered. */
  readonly answered: Asked[] = []
  /** Answers to what was not asked, or that were answered before. */
  strays = 0
  readonly #open = new Map<number, Asked>()
  #last = 0
  #isEnding = false

  private constructor(
    private readonly socket: Socket,
    private readonly name: string,
  ) {}

  static async begin(o: { port: number; name: string; atOnce: number }): Promise<Asker> {
    const socket = createSocket('udp4')
    socket.connect(o.port, '127.0.0.1')
    await once(socket, 'connect')
    const asker = new Asker(socket, o.name)
    socket.on('message', (packet) => asker.#hear(packet))
    for (let n = 0; n < o.atOnce; n += 1) asker.#ask()
    return asker
  }

  /** How many have no answer yet. */
  get open(): number {
    return this.#open.size
  }

  /** Asks no more; what is open may still be answered. */
  end(): void {
    this.#isEnding = true
  }

  close(): void {
    this.end()
    this.socket.close()
  }

  #ask(): void {
    this.#last = (this.#last + 1) % 65_536
    const id = this.#last
    this.#open.set(id, { sentMs: performance.now() })
    this.socket.send(encode({ type: 'query', id, questions: [{ name: this.name, type: 'A' }] }))
  }

  #hear(packet: Buffer): void {
    const { id = -1, answers = [] } = decode(packet)
    const asked = this.#open.get(id)
    if (!asked) {
      this.strays += 1
      return
    }
    this.#open.delete(id)
    const [answer] = answers
    const found = answer?.type === 'A' && answers.length === 1 ? answer : undefined
    this.answered.push({ ...asked, address: found?.data, ttlSeconds: found?.ttl })
    if (!this.#isEnding) this.#ask()
  }
}
