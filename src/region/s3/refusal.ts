import type { Fault } from '../protocol/fault.ts'
import { type RawHead, splitTarget } from '../protocol/raw-request.ts'
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

/** An error in S3's own form, which is neither that of query services nor of other REST services. */
export function refusal(fault: Fault, head: RawHead, requestId: string): StreamReply {
  const told = asS3Fault(fault, /[?&](X-Amz-)?Signature=/.test(head.target))
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
