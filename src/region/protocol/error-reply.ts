import { speaksJson } from './dispatch.ts'
import type { Fault } from './fault.ts'
import { headersByName, type RawHead } from './raw-request.ts'
import { jsonErrorReply, queryErrorReply, type Reply, restJsonErrorReply } from './reply.ts'
import { serviceInClaim } from './signature-claim.ts'

/** Services whose clients read JSON and do not say so. */
const REST_JSON_SERVICES: ReadonlySet<string> = new Set(['lambda'])

/** How a client is told what goes wrong before it is proven whom its request is for. */
export function errorReplyFor(head: RawHead): (fault: Fault, requestId: string) => Reply {
  if (speaksJson(headersByName(head.rawHeaders))) return jsonErrorReply
  const isRestJson = REST_JSON_SERVICES.has(serviceInClaim(head) ?? '')
  return isRestJson ? restJsonErrorReply : queryErrorReply
}
