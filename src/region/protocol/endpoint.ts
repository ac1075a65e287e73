import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Authorizer } from './authorization.ts'
import type { CredentialScope } from './canonical-request.ts'
import { dispatch } from './dispatch.ts'
import { errorReplyFor } from './error-reply.ts'
import { commonFault, Fault } from './fault.ts'
import type { OpenService } from './open-service.ts'
import { isPresignedV2 } from './presigned-v2.ts'
import type { RawHead, RawRequest, RawStream } from './raw-request.ts'
import type { Reply } from './reply.ts'
import type { Service } from './service.ts'
import { claimIn, isAnonymous, isSignedOtherwise, serviceInClaim } from './signature-claim.ts'
import { type KeyRing, VerifiedRequest, type Verifier } from './sigv4.ts'
import type { StreamReply, StreamService } from './stream-service.ts'
import { VerifiedStream } from './verified-stream.ts'

/**
 * A region's API, from a raw request to a reply: verify, then route, then answer. Always an answer.
 *
 * What an action throws that is no Fault is a failure of ours: the client reads `InternalFailure`, `onError`
 * gets the error.
 */
export class Endpoint {
  readonly #services: ReadonlyMap<string, Service>
  readonly #streams: ReadonlyMap<string, StreamService>

  constructor(
    private readonly o: {
      region: string
      keys: KeyRing
      authorize: Authorizer
      services: readonly Service[]
      streams: readonly StreamService[]
      opens: readonly OpenService[]
      clock: Clock
      random: Random
      onError: (error: unknown) => void
    },
  ) {
    this.#services = new Map(o.services.map((service) => [service.model.name, service]))
    this.#streams = new Map(o.streams.map((service) => [service.name, service]))
  }

  /** Whether a request claims to be for a service that reads its body itself. */
  isStreamed(head: RawHead): boolean {
    return this.#streamFor(head) !== undefined
  }

  /** As `answer`, for a request of which `isStreamed` is true. */
  async answerStream(raw: RawStream): Promise<StreamReply> {
    const requestId = newRequestId(this.o.random)
    const service = this.#streamFor(raw)
    assert(service, 'the request is for a service that streams')
    try {
      const { keys, region, clock } = this.o
      const now = clock.now()
      const scope = { date: now.toISOString().slice(0, 10), region, service: service.name }
      return await service.answer(verified(raw, { keys, region, now }, scope), requestId)
    } catch (error) {
      if (error instanceof Fault) return service.refuse(error, raw, requestId)
      this.o.onError(error)
      return service.refuse(commonFault('InternalFailure', tellable(error)), raw, requestId)
    }
  }

  #openFor(head: RawHead): OpenService | undefined {
    return this.o.opens.find((open) => open.owns(head))
  }

  #streamFor(head: RawHead): StreamService | undefined {
    if (this.#openFor(head)) return undefined
    const isScoped = !isAnonymous(head) && !isPresignedV2(head) && !isSignedOtherwise(head)
    if (isScoped) return this.#streams.get(serviceInClaim(head) ?? '')
    return [...this.#streams.values()].find(({ isOpen }) => isOpen)
  }

  /**
   * How large the body of a request may be, by the service that it claims to be for; undefined: none of its own. Who does not even
   * know an access key is not read that much of.
   */
  bodyLimit(head: RawHead): { maxBytes: number; tooLarge: Reply } | undefined {
    const claim = claimIn(head)
    const limit = this.#services.get(claim?.scope.service ?? '')?.bodyLimit?.(head)
    if (!claim || !limit) return undefined
    if (!this.o.keys.get(claim.accessKeyId, claim.sessionToken)) return undefined
    const { maxBytes, tooLarge } = limit
    return { maxBytes, tooLarge: errorReplyFor(head)(tooLarge, newRequestId(this.o.random)) }
  }

  async answer(raw: RawRequest): Promise<Reply> {
    const requestId = newRequestId(this.o.random)
    const errorReply = errorReplyFor(raw)
    try {
      const open = this.#openFor(raw)
      if (open) return await open.answer(raw, requestId)
      const { keys, region, clock } = this.o
      const request = VerifiedRequest.verify(raw, { keys, region, now: clock.now() })
      return await dispatch(request, this.#services, { requestId, authorize: this.o.authorize })
    } catch (error) {
      if (error instanceof Fault) return errorReply(error, requestId)
      if (isAway(error))
        return errorReply(commonFault('ServiceUnavailable', error.message), requestId)
      this.o.onError(error)
      return errorReply(commonFault('InternalFailure', tellable(error)), requestId)
    }
  }
}

function verified(raw: RawStream, verifier: Verifier, scope: CredentialScope): VerifiedStream {
  if (isAnonymous(raw)) return VerifiedStream.anonymous(raw, scope)
  return isPresignedV2(raw)
    ? VerifiedStream.verifyV2(raw, verifier, scope)
    : VerifiedStream.verify(raw, verifier)
}

/** Whether an action needs another region, which is away: nobody's failure, and worth another attempt. */
function isAway(error: unknown): error is LifeboatError {
  return error instanceof LifeboatError && error.code === 'RegionUnreachable'
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
