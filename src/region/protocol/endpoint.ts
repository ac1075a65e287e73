import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Authorizer } from './authorization.ts'
import { dispatch, speaksJson } from './dispatch.ts'
import { commonFault, Fault } from './fault.ts'
import { headersByName, type RawRequest } from './raw-request.ts'
import { jsonErrorReply, queryErrorReply, type Reply } from './reply.ts'
import type { Service } from './service.ts'
import { type KeyRing, VerifiedRequest } from './sigv4.ts'

/**
 * A region's API, from a raw request to a reply: verify, then route, then answer. Always an answer.
 *
 * What an action throws that is no Fault is a failure of ours: the client reads `InternalFailure`, `onError`
 * gets the error.
 */
export class Endpoint {
  readonly #services: ReadonlyMap<string, Service>

  constructor(
    private readonly o: {
      region: string
      keys: KeyRing
      authorize: Authorizer
      services: readonly Service[]
      clock: Clock
      random: Random
      onError: (error: unknown) => void
    },
  ) {
    this.#services = new Map(o.services.map((service) => [service.model.name, service]))
  }

  async answer(raw: RawRequest): Promise<Reply> {
    const requestId = newRequestId(this.o.random)
    const errorReply = speaksJson(headersByName(raw.rawHeaders)) ? jsonErrorReply : queryErrorReply
    try {
      const { keys, region, clock } = this.o
      const request = VerifiedRequest.verify(raw, { keys, region, now: clock.now() })
      return await dispatch(request, this.#services, { requestId, authorize: this.o.authorize })
    } catch (error) {
      if (error instanceof Fault) return errorReply(error, requestId)
      this.o.onError(error)
      return errorReply(commonFault('InternalFailure', tellable(error)), requestId)
    }
  }
}

/** An expected failure, like a full disk, is told in its own words; a bug is not told at all. */
function tellable(error: unknown): string {
  return error instanceof LifeboatError ? error.message : 'An internal failure occurred.'
}

/** A request id in the form of a UUID, as AWS sends them. */
function newRequestId(random: Random): string {
  const hex = random.hex(32)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
