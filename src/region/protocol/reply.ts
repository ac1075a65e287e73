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

/**
 * `{"__type": …}`, as JSON clients read it; the code is repeated in a header.
 *
 * @param o.isCompatible  whether the service's clients once spoke the query protocol: see `queryErrorHeader`
 */
export function jsonErrorReply(
  fault: Fault,
  requestId: string,
  { isCompatible = false }: { isCompatible?: boolean } = {},
): Reply {
  const named = isCompatible ? fault.shape : fault.wireCode
  const code = fault instanceof AuthFault ? fault.jsonCode : named
  // JSON services answer every refusal of the caller with 400.
  const status = fault.httpStatus < 500 ? 400 : fault.httpStatus
  const reply = jsonReply(
    status,
    JSON.stringify({ __type: code, message: fault.message }),
    requestId,
  )
  const headers = isCompatible ? queryErrorHeader(fault) : {}
  return { ...reply, headers: { ...reply.headers, ...headers, 'x-amzn-errortype': code } }
}

/** As clients of REST services read JSON: the code in a header, with the status that it has. */
export function restJsonErrorReply(fault: Fault, requestId: string): Reply {
  const code = fault instanceof AuthFault ? fault.jsonCode : fault.wireCode
  const Type = fault.httpStatus < 500 ? 'User' : 'Service'
  const body = JSON.stringify({ Type, message: fault.message })
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code }
  return {
    status: fault.httpStatus,
    headers: { ...headers, 'x-amzn-requestid': requestId },
    body,
  }
}

/**
 * The code that the query protocol has for a fault, for clients that look for it there: their service has changed its
 * protocol, and their users' code has not. The body names the fault's shape.
 *
 * Source: Smithy, the `awsQueryCompatible` trait.
 */
export function queryErrorHeader({ wireCode, httpStatus }: Fault): Record<string, string> {
  return { 'x-amzn-query-error': `${wireCode};${httpStatus < 500 ? 'Sender' : 'Receiver'}` }
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
