import type { RawHead, RawRequest } from './raw-request.ts'
import type { Reply } from './reply.ts'

/** What a service answers without a signature: pages that it has told others of. */
export interface OpenService {
  /** Whether a request is for such a page; by its head alone. */
  owns(head: RawHead): boolean
  /** @throws Fault */
  answer(request: RawRequest, requestId: string): Promise<Reply>
}
