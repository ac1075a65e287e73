import { Fault } from '../protocol/fault.ts'
import { snsModel } from '../protocol/models/sns.ts'
import type { OpenService } from '../protocol/open-service.ts'
import { readQueryInput, writeQueryOutput } from '../protocol/query-codec.ts'
import { queryErrorReply, type Reply, xmlReply } from '../protocol/reply.ts'
import { confirmSubscription } from './actions/confirm-subscription.ts'
import { unsubscribe } from './actions/unsubscribe.ts'
import { notFound } from './faults.ts'
import { type OpenTarget, openTargetOf } from './open-target.ts'
import type { Sns } from './sns.ts'

/**
 * What an endpoint visits: the URLs in its messages, by which it confirms a subscription or ends it, and the certificate
 * by which it verifies them. Who knows such a URL may.
 */
export function snsOpenPages(sns: Sns): OpenService {
  return {
    owns: (head) => openTargetOf(head) !== undefined,
    answer: async (request, requestId) => {
      try {
        return await answer(sns, openTargetOf(request)!, requestId)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return queryErrorReply(error, requestId, snsModel.xmlNamespace)
      }
    },
  }
}

async function answer(sns: Sns, target: OpenTarget, requestId: string): Promise<Reply> {
  if (target.kind === 'certificate') return await certificate(sns, target.name)
  const { action, parameters } = target
  const operation = snsModel.operationByName.get(action)!
  const input = new Map(parameters)
  input.delete('Action')
  input.delete('Version')
  const read = readQueryInput(operation.input, input)
  const run = action === 'Unsubscribe' ? unsubscribe : confirmSubscription
  const result = await run(sns, read as never, { isSigned: false })
  const xmlNamespace = snsModel.xmlNamespace ?? ''
  const body = writeQueryOutput(action, operation.output, result, { xmlNamespace, requestId })
  return xmlReply(200, body, requestId)
}

async function certificate(sns: Sns, asked: string): Promise<Reply> {
  const { name, pem } = await sns.signer.certificate()
  if (asked !== name) throw notFound('Certificate')
  return { status: 200, headers: { 'content-type': 'application/x-pem-file' }, body: pem }
}
