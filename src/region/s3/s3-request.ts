import type { Caller } from '../protocol/service.ts'
import type { Authentication } from '../protocol/verified-stream.ts'

/** What an action may want to know beside its input. */
export interface S3Request {
  readonly caller: Caller
  /** How it was signed; undefined when nobody did. */
  readonly authentication?: Authentication | undefined
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** The body of an upload; unread for every other action. */
  readonly body: AsyncIterable<Buffer>
  /** The length of an upload; undefined when it is not known before its end. */
  readonly contentLength: number | undefined
  /** What followed the body, once it has ended. */
  readonly trailers: ReadonlyMap<string, string>
}

/** What an action answers beside the members of its output. */
export interface S3Extra {
  /** Instead of the status of the model. */
  readonly httpStatus?: number
  /** Headers that the model does not have. */
  readonly httpHeaders?: Readonly<Record<string, string>>
  /** A document that the model describes otherwise than S3 sends it. */
  readonly httpBody?: string
}
