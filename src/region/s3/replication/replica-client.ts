import { Agent, type IncomingMessage, request as openRequest } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../../core/clock.ts'
import { uriEncode } from '../../protocol/canonical-request.ts'
import { SENDER_HEADER } from '../../protocol/sender.ts'
import { type SessionKeys, signedHeaders } from '../../protocol/signed-headers.ts'
import { type FailureReason, parseFailureReason, REASON_HEADER } from './failure-reason.ts'
import { formatManifest, type Manifest, REPLICA_HEADER } from './manifest.ts'

/** What became of a replica that was sent. `away`: nobody can say, and it is to be sent again. */
export type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly reason: FailureReason }
  | { readonly kind: 'away'; readonly cause: unknown }

/** How long a destination may keep silent, in milliseconds. */
const SILENCE_MS = 60_000

/** Sends replicas to other regions as their other clients do: over HTTP, signed with the temporary keys of a role. */
export class ReplicaClient {
  readonly #agent: Agent

  constructor(
    private readonly o: {
      region: string
      /** Where all regions of the home answer, as `http://127.0.0.1:4566`. */
      endpoint: () => string
      clock: Clock
      maxConnections: number
    },
  ) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: o.maxConnections })
  }

  /**
   * Sends a version. Its bytes are read as fast as the destination takes them.
   *
   * @param read  begins to read them
   * @throws what reading them throws
   */
  async send(
    to: { region: string; bucket: string; key: string; keys: SessionKeys },
    manifest: Manifest,
    read: () => AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { header, bytes } = formatManifest(manifest)
    const endpoint = new URL(this.o.endpoint())
    const path = `/${to.bucket}/${uriEncode(to.key).replaceAll('%2F', '/')}`
    const length = bytes.length + (manifest.kind === 'object' ? manifest.sizeBytes : 0)
    const request = openRequest({
      agent: this.#agent,
      host: endpoint.hostname,
      port: endpoint.port,
      method: 'PUT',
      path,
      headers: signedHeaders({
        method: 'PUT',
        path,
        region: to.region,
        service: 's3',
        body: undefined,
        headers: {
          host: endpoint.host,
          'content-length': `${length}`,
          [REPLICA_HEADER]: header,
          [SENDER_HEADER]: this.o.region,
        },
        keys: to.keys,
        now: this.o.clock.now(),
      }),
      signal,
    })
    request.setTimeout(SILENCE_MS, () => request.destroy(new Error('the destination is silent')))
    const answered = new Promise<Answer>((resolve) => {
      request.once('response', (response) => resolve(answerOf(response)))
      request.on('error', (cause) => resolve({ kind: 'away', cause }))
    })
    const body = new Body(bytes, read)
    const sent = pipeline(Readable.from(body, { highWaterMark: 2 }), request).catch(
      (cause: unknown): Answer => ({ kind: 'away', cause }),
    )
    // A refusal may come before all is sent.
    const first = await Promise.race([answered, sent])
    const answer = first ?? (await answered)
    if (body.failure) throw body.failure
    return answer
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Refusals that say something of the moment, and nothing of the version. */
const PASSING = new Set([
  'ExpiredToken',
  'IncompleteBody',
  'InvalidAccessKeyId',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])

/** A manifest and the bytes that it is about, which are not read before their turn. */
class Body {
  /** Why they could not be read: to be told apart from what the connection failed with. */
  failure: unknown

  constructor(
    private readonly manifest: Buffer,
    private readonly read: () => AsyncIterable<Buffer>,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    yield this.manifest
    try {
      yield* this.read()
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const status = response.statusCode ?? 0
  const { [REASON_HEADER]: header } = response.headers
  let text = ''
  try {
    for await (const chunk of response) text += chunk
  } catch (cause) {
    return { kind: 'away', cause }
  }
  if (status === 200) return { kind: 'taken' }
  const reason = parseFailureReason(typeof header === 'string' ? header : undefined)
  if (reason) return { kind: 'refused', reason }
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? ''
  if (code === 'NoSuchVersion') return { kind: 'absent' }
  // What it will refuse again must not keep others waiting.
  if (status < 500 && !PASSING.has(code))
    return { kind: 'refused', reason: 'DstPutObjNotPermitted' }
  return { kind: 'away', cause: new Error(`the destination answered ${status} ${code}`) }
}
