import { ERRORS, type ErrorCode, LifeboatError } from '../../core/errors.ts'
import { Fault } from '../protocol/fault.ts'

/** What an operation between regions answers: a document, and bytes of any number if it has some to send. */
export interface PeerReply<Output extends object = object> {
  readonly output: Output
  readonly body?: AsyncIterable<Buffer>
}

/**
 * Something that a service lets the same service of another region ask of it. Whoever asks is proven to be that service.
 *
 * It must be idempotent: an answer can be lost on its way, and then it is asked again.
 *
 * @param body  what comes with the question; it is not read ahead of who reads it
 */
export type PeerOperation = (input: never, body: AsyncIterable<Buffer>) => Promise<PeerReply>

export interface PeerQuestion {
  readonly region: string
  readonly operation: string
  readonly input: object
  readonly body?: AsyncIterable<Buffer>
  readonly signal?: AbortSignal
  /** How long the other side may be silent before it counts as away, in milliseconds. */
  readonly silenceMs?: number
}

/** One service, as it talks to the same service in the other regions of the home. */
export interface Peer {
  /** What other regions may ask; to be set before the region listens. */
  serve(operations: Readonly<Record<string, PeerOperation>>): void
  /**
   * Asks a region, also this one. The answer's body must be read to its end or returned.
   *
   * @throws the service's own fault when it was refused there; LifeboatError `RegionUnreachable` when the region is away,
   *   which is an ordinary thing: it is for the caller to ask again; any other LifeboatError as it was thrown there
   */
  ask<Output extends object>(
    question: PeerQuestion,
  ): Promise<Required<Pick<PeerReply<Output>, 'output' | 'body'>>>
}

/** How a failure travels to who asked: a refusal by its shape, an expected failure by its code. */
export interface PeerFailure {
  readonly shape?: string
  readonly code?: string
  readonly message: string
  readonly hint?: string | undefined
}

/** Undefined for what nobody expected. */
export function failureOf(error: unknown): PeerFailure | undefined {
  if (error instanceof Fault) return { shape: error.shape, message: error.message }
  if (!(error instanceof LifeboatError)) return undefined
  const { code, message, hint } = error
  return { code, message, hint }
}

/** The inverse of `failureOf`. @param faultOf  the service's own fault of a shape */
export function errorOf(
  { shape, code, message, hint }: PeerFailure,
  faultOf: (shape: string, message: string) => Error,
): Error {
  if (shape !== undefined) return faultOf(shape, message)
  const known = code !== undefined && code in ERRORS ? (code as ErrorCode) : 'Unexpected'
  return new LifeboatError(known, message, hint === undefined ? {} : { hint })
}

export function away(region: string, cause: unknown): LifeboatError {
  return new LifeboatError('RegionUnreachable', `region '${region}' does not answer`, { cause })
}
