import { type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** What became of something that was sent once. The reason holds no part of an address or a message. */
export type Delivery =
  | { readonly state: 'sent'; readonly reason?: string }
  /** It is known not to have been taken. */
  | { readonly state: 'failed'; readonly reason: string }
  /** It may have left this machine, and no answer came. */
  | { readonly state: 'unknown'; readonly reason: string }

/**
 * One POST of JSON. A redirect is not followed, and what is answered beside the status is not read.
 *
 * @param o.timeoutMs  for the whole of it, looking the name up included
 */
export function postJson(o: {
  url: string
  body: string
  headers?: Readonly<Record<string, string>>
  timeoutMs: number
}): Promise<Delivery> {
  const target = new URL(o.url)
  const isEncrypted = target.protocol === 'https:'
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    signal: AbortSignal.timeout(o.timeoutMs),
    headers: {
      ...o.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(o.body),
    },
  }
  let hasLeft = false
  return new Promise((resolve) => {
    const open = isEncrypted ? requestHttps : requestHttp
    const request = open(target, options, (response) => {
      response.on('error', () => undefined)
      response.destroy()
      resolve(answered(response.statusCode ?? 0))
    })
    request.on('socket', (socket) => {
      socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
        hasLeft = true
      })
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve(unanswered(error, hasLeft, o.timeoutMs))
    })
    request.end(o.body)
  })
}

function answered(status: number): Delivery {
  if (status >= 200 && status < 300) return { state: 'sent' }
  const isRedirect = status >= 300 && status < 400
  const reason = `it answers ${status}${isRedirect ? ', and a redirect is not followed' : ''}`
  return { state: 'failed', reason }
}

function unanswered(
  { name, code = name }: NodeJS.ErrnoException,
  hasLeft: boolean,
  timeoutMs: number,
): Delivery {
  const isLate = code === 'ABORT_ERR' || name === 'TimeoutError'
  const why = isLate ? `within ${Math.ceil(timeoutMs / 1000)} s` : `(${code})`
  return hasLeft
    ? { state: 'unknown', reason: `it has not answered ${why}` }
    : { state: 'failed', reason: `it cannot be reached ${why}` }
}
