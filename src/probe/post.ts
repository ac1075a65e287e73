import { openRequest } from './open-request.ts'

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
export function postJson({
  timeoutMs,
  ...posted
}: {
  url: string
  body: string
  headers?: Readonly<Record<string, string>>
  timeoutMs: number
}): Promise<Delivery> {
  const one = { ...posted, method: 'POST', signal: AbortSignal.timeout(timeoutMs) }
  const isEncrypted = new URL(posted.url).protocol === 'https:'
  let hasLeft = false
  return new Promise((resolve) => {
    const request = openRequest(one, (response) => {
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
      resolve(unanswered(error, hasLeft, timeoutMs))
    })
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
