import type { Fault } from './fault.ts'
import type { RawHead } from './raw-request.ts'
import type { VerifiedStream } from './verified-stream.ts'

/** An answer whose body may be sent while it is still being read. Headers are sent as they are. */
export interface StreamReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<Buffer>
}

/** A service that reads and answers bodies of any length, and speaks a protocol of its own. */
export interface StreamService {
  /** The service's name in the credential scope of a signature. */
  readonly name: string
  /** Whether it has resources that may be open to callers who do not sign. */
  readonly isOpen: boolean
  /** @throws Fault, to be answered by `refuse` */
  answer(request: VerifiedStream, requestId: string): Promise<StreamReply>
  /** A refusal as the service's clients read it, also before anything is proven. */
  refuse(fault: Fault, head: RawHead, requestId: string): StreamReply
}
