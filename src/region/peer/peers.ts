import { AuthFault } from '../protocol/auth-fault.ts'
import { commonFault, type Fault } from '../protocol/fault.ts'
import type { StreamReply, StreamService } from '../protocol/stream-service.ts'
import type { VerifiedStream } from '../protocol/verified-stream.ts'
import {
  formatDocument,
  formatMessage,
  type Message,
  MessageError,
  NOTHING,
  readMessage,
} from './message.ts'
import { failureOf, type Peer, type PeerOperation, type PeerReply } from './peer.ts'
import { MEDIA_TYPE, PEER_SCOPE, PeerClient } from './peer-client.ts'

type Operations = Readonly<Record<string, PeerOperation>>

/**
 * The one way in which a service of a region talks to the same service of another region: a signed request through the
 * endpoint of the home, under the role that is linked to the service.
 *
 * Only a region of the home can have keys of that role, so that everybody else is refused, the root user included. Bodies are
 * streamed in both directions, and wait for who reads them.
 */
export class Peers {
  readonly #operationsByService = new Map<string, Operations>()
  readonly #client: PeerClient

  constructor(
    private readonly o: ConstructorParameters<typeof PeerClient>[0] & { readonly region: string },
  ) {
    this.#client = new PeerClient(o)
  }

  /**
   * @param service  as `rds.amazonaws.com`
   * @param faultOf  the service's own fault of a shape
   */
  of(service: string, faultOf: (shape: string, message: string) => Error): Peer {
    return {
      serve: (operations) => {
        this.#operationsByService.set(service, operations)
      },
      ask: async <Output extends object>(question: Parameters<Peer['ask']>[0]) => {
        if (question.region === this.o.region) {
          const { output, body = NOTHING } = await this.#run(service, question.operation, {
            document: question.input,
            body: question.body ?? NOTHING,
          })
          return { output: output as Output, body }
        }
        const { document, body } = await this.#client.ask(service, question, faultOf)
        return { output: document as Output, body }
      },
    }
  }

  /** Answers what other regions ask. */
  get stream(): StreamService {
    return {
      name: PEER_SCOPE,
      isOpen: false,
      answer: (request) => this.#answer(request),
      refuse: (fault) => refusal(fault),
    }
  }

  close(): void {
    this.#client.close()
  }

  async #answer(request: VerifiedStream): Promise<StreamReply> {
    const [, service = '', operation = ''] = request.path.split('/')
    if (!service || request.caller.session?.service !== service || request.method !== 'POST') {
      throw new AuthFault('AccessDenied', 'Regions talk to each other under roles of their own.')
    }
    const pieces = request.body[Symbol.asyncIterator]()
    try {
      return reply(200, await this.#run(service, operation, await readMessage(pieces)))
    } catch (error) {
      if (error instanceof MessageError) throw commonFault('ValidationException', error.message)
      const failure = failureOf(error)
      if (!failure) throw error
      return reply(409, { output: failure })
    } finally {
      // What an operation has not read is not wanted.
      await pieces.return?.()
    }
  }

  async #run(service: string, operation: string, { document, body }: Message): Promise<PeerReply> {
    const operations = this.#operationsByService.get(service) ?? {}
    const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined
    if (!run) throw commonFault('UnsupportedOperation', `There is no ${operation} of ${service}.`)
    return await run(document as never, body)
  }
}

/** Without a body it has a length, by which who asked knows that nothing follows. */
function reply(status: number, { output, body }: PeerReply): StreamReply {
  const headers = { 'content-type': MEDIA_TYPE }
  if (body) return { status, headers, body: formatMessage(output, body) }
  const text = formatDocument(output)
  return {
    status,
    headers: { ...headers, 'content-length': `${Buffer.byteLength(text)}` },
    body: text,
  }
}

/** What is told to those who are no region is told in plain words. */
function refusal(fault: Fault): StreamReply {
  const { wireCode, message, httpStatus } = fault
  const body = JSON.stringify({ code: wireCode, message })
  return { status: httpStatus, headers: { 'content-type': 'application/json' }, body }
}
