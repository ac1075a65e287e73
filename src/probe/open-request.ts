import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http'
import { request as requestHttps } from 'node:https'

export interface OneRequest {
  readonly url: string
  readonly method: string
  /** JSON. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Ends the whole of it, looking the name up included. */
  readonly signal: AbortSignal
  readonly lookup?: RequestOptions['lookup']
}

/** Sends one request on a connection of its own, as a stranger does. A redirect is an answer like any other. */
export function openRequest(
  { url, body, headers, ...options }: OneRequest,
  onAnswer: (response: IncomingMessage) => void,
): ClientRequest {
  const target = new URL(url)
  const open = target.protocol === 'https:' ? requestHttps : requestHttp
  const about = body !== undefined && {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  const request = open(
    target,
    { ...options, agent: false, headers: { ...headers, ...about } },
    onAnswer,
  )
  return request.end(body)
}
