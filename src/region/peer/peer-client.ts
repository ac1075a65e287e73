import { Agent, type IncomingMessage, request as openRequest } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { InvariantError } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type SessionKeys, signedHeaders } from '../protocol/signed-headers.ts'
import { formatMessage, type Message, MessageError, NOTHING, readMessage } from './message.ts'
import { away, errorOf, type PeerFailure, type PeerQuestion } from './peer.ts'

/** The name that questions between regions are signed for. No service of AWS has it. */
export const PEER_SCOPE = 'lifeboat-peer'
/** Of what peers send to each other. */
export const MEDIA_TYPE = 'application/octet-stream'

/** How long the other side may be silent, in milliseconds. */
const SILENCE_MS = 30_000
/** Streams that follow something for as long as it lives take one each. */
const MAX_CONNECTIONS = 64
const SESSION_SECONDS = 3600
/** Keys that end sooner are replaced before they are used. */
const RESERVE_MS = 10 * 60_000

/** How a service comes by the keys of the role that is linked to it. */
export interface LinkedKeys {
  keysForLinkedService(
    service: string,
    durationSeconds: number,
  ): SessionKeys & { readonly expiresAt: Date }
}

/** Sends questions to other regions as their other clients do: over HTTP, signed with temporary keys. */
export class PeerClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS })
  readonly #keysByService = new Map<string, ReturnType<LinkedKeys['keysForLinkedService']>>()

  constructor(
    private readonly o: {
      /** Where all regions of the home answer, as `http://127.0.0.1:4566`. */
      endpoint: () => string
      keys: LinkedKeys
      clock: Clock
    },
  ) {}

  /**
   * @param faultOf  the service's own fault of a shape
   * @throws as `Peer.ask`
   */
  async ask(
    service: string,
    question: PeerQuestion,
    faultOf: (shape: string, message: string) => Error,
  ): Promise<Message> {
    const { region, signal } = question
    const { response, pieces, message } = await this.#read(service, question).catch(
      (cause: unknown) => {
        signal?.throwIfAborted()
        throw isOurs(cause) ? cause : away(region, cause)
      },
    )
    const isDone = response.statusCode === 200
    if (isDone && !isWhole(response)) {
      return { ...message, body: new AnswerBody(message.body, pieces, { region, signal }) }
    }
    response.resume()
    if (isDone) return { ...message, body: NOTHING }
    throw errorOf(message.document as PeerFailure, faultOf)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #read(service: string, question: PeerQuestion) {
    const response = await this.#send(service, question)
    const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    return { response, pieces, message: await readMessage(pieces) }
  }

  async #send(
    service: string,
    { region, operation, input, body, signal, silenceMs }: PeerQuestion,
  ): Promise<IncomingMessage> {
    signal?.throwIfAborted()
    const endpoint = new URL(this.o.endpoint())
    const path = `/${service}/${operation}`
    const request = openRequest({
      agent: this.#agent,
      host: endpoint.hostname,
      port: endpoint.port,
      method: 'POST',
      path,
      headers: signedHeaders({
        method: 'POST',
        path,
        region,
        service: PEER_SCOPE,
        body: undefined,
        headers: { host: endpoint.host },
        keys: this.#keys(service),
        now: this.o.clock.now(),
      }),
      ...(signal ? { signal } : {}),
    })
    request.setTimeout(silenceMs ?? SILENCE_MS, () => request.destroy(new Error('it is silent')))
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.on('error', reject)
    })
    const sent = pipeline(Readable.from(formatMessage(input, body)), request)
    // A refusal may come before all is sent; that the rest cannot be sent then is no news.
    const response = await Promise.race([answered, sent.then(() => answered)])
    sent.catch((error: unknown) => response.destroy(error as Error))
    if (response.headers['content-type'] === MEDIA_TYPE) return response
    // What does not come from a peer, as the refusal of a signature, says that the region cannot be asked.
    response.resume()
    throw new MessageError(`it answered ${response.statusCode}`)
  }

  #keys(service: string): SessionKeys {
    const known = this.#keysByService.get(service)
    if (known && known.expiresAt.getTime() - this.o.clock.now().getTime() > RESERVE_MS) return known
    const keys = this.o.keys.keysForLinkedService(service, SESSION_SECONDS)
    this.#keysByService.set(service, keys)
    return keys
  }
}

/** Whether the answer is a document and nothing else. */
function isWhole({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined
}

/** A body that ends early ends in the words for a region that is away. Who returns it ends the connection. */
class AnswerBody implements AsyncIterable<Buffer>, AsyncIterator<Buffer> {
  readonly #bytes: AsyncIterator<Buffer>

  constructor(
    bytes: AsyncIterable<Buffer>,
    private readonly pieces: AsyncIterator<Buffer>,
    private readonly from: { region: string; signal: AbortSignal | undefined },
  ) {
    this.#bytes = bytes[Symbol.asyncIterator]()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer>> {
    try {
      return await this.#bytes.next()
    } catch (cause) {
      this.from.signal?.throwIfAborted()
      throw isOurs(cause) ? cause : away(this.from.region, cause)
    }
  }

  async return(): Promise<IteratorResult<Buffer>> {
    await this.pieces.return?.()
    return { done: true, value: undefined }
  }
}

/** What our own side failed with, as of the body that it was to send, says nothing of the other region. */
function isOurs(error: unknown): boolean {
  return error instanceof LifeboatError || error instanceof InvariantError
}
