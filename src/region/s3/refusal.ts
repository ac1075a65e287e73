import { AuthFault } from '../protocol/auth-fault.ts'
import type { Fault } from '../protocol/fault.ts'
import { headersByName, type RawHead, splitTarget } from '../protocol/raw-request.ts'
import { isSignedOtherwise } from '../protocol/signature-claim.ts'
import type { StreamReply } from '../protocol/stream-service.ts'
import { xmlElement, xmlText } from '../protocol/xml.ts'
import { asS3Fault, S3Fault } from './faults.ts'

/** Headers that every answer of S3 has. */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-amz-request-id': requestId,
    'x-amz-id-2': Buffer.from(`lifeboat/${requestId}`).toString('base64'),
    server: 'AmazonS3',
  }
}

/** Unlike AWS: version 2 of signatures is for presigned URLs and forms, in all regions. */
function otherAuthorization(fault: Fault, head: RawHead): S3Fault | undefined {
  if (!(fault instanceof AuthFault) || fault.shape !== 'IncompleteSignature') return undefined
  const text = headersByName(head.rawHeaders).get('authorization')?.[0] ?? ''
  if (!isSignedOtherwise(head) || text.startsWith('AWS4-')) return undefined
  if (/^AWS \S+:\S+$/.test(text)) {
    return new S3Fault(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  return new S3Fault('InvalidArgument', 'Unsupported Authorization Type', {
    elements: { ArgumentName: 'Authorization' },
  })
}

/** An error in S3's own form, which is neither that of query services nor of other REST services. */
export function refusal(fault: Fault, head: RawHead, requestId: string): StreamReply {
  const told =
    otherAuthorization(fault, head) ?? asS3Fault(fault, /[?&](X-Amz-)?Signature=/.test(head.target))
  const detail = told instanceof S3Fault ? told.detail : {}
  const common = commonHeaders(requestId)
  const elements = {
    Code: told.wireCode,
    Message: told.message,
    ...detail.elements,
    Resource: splitTarget(head.target).path,
    RequestId: requestId,
    HostId: common['x-amz-id-2']!,
  }
  if (told.httpStatus === 304) {
    return { status: 304, headers: { ...common, ...detail.headers }, body: '' }
  }
  const content = Object.entries(elements).map(([name, text]) => xmlElement(name, xmlText(text)))
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${xmlElement('Error', content.join(''))}`
  // The answer to a HEAD has no body, and so says nothing of one.
  const about: Record<string, string> =
    head.method === 'HEAD'
      ? {}
      : { 'content-type': 'application/xml', 'content-length': `${Buffer.byteLength(body)}` }
  return { status: told.httpStatus, headers: { ...common, ...detail.headers, ...about }, body }
}
