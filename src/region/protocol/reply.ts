import { AuthFault } from './auth-fault.ts'
import type { Fault } from './fault.ts'
import { xmlElement, xmlText } from './xml.ts'

/** An answer on the wire, in the form of the protocol that asked. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

type TextReply = Reply & { readonly body: string }

/** `<ErrorResponse>`, as query clients read it. */
export function queryErrorReply(fault: Fault, requestId: string, xmlNamespace?: string): TextReply {
  const error = [
    xmlElement('Type', fault.httpStatus < 500 ? 'Sender' : 'Receiver'),
    xmlElement('Code', xmlText(fault.wireCode)),
    xmlElement('Message', xmlText(fault.message)),
  ]
  const body = xmlElement(
    'ErrorResponse',
    xmlElement('Error', error.join('')) + xmlElement('RequestId', xmlText(requestId)),
    xmlNamespace ? { xmlns: xmlNamespace } : {},
  )
  return xmlReply(fault.httpStatus, body, requestId)
}

/** `{"__type": …}`, as JSON 1.1 clients read it; the code is repeated in a header. */
export function jsonErrorReply(fault: Fault, requestId: string): Reply {
  const code = fault instanceof AuthFault ? fault.jsonCode : fault.wireCode
  // JSON services answer every refusal of the caller with 400.
  const status = fault.httpStatus < 500 ? 400 : fault.httpStatus
  const reply = jsonReply(
    status,
    JSON.stringify({ __type: code, message: fault.message }),
    requestId,
  )
  return { ...reply, headers: { ...reply.headers, 'x-amzn-errortype': code } }
}

export function xmlReply(status: number, body: string, requestId: string): TextReply {
  return { status, headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }, body }
}

export function jsonReply(status: number, body: string, requestId: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
    body,
  }
}
