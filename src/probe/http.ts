import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { LifeboatError } from '../core/errors.ts'

export interface HttpProbe {
  readonly url: string
  readonly method: string
  readonly body?: string
  /** For the whole of it, looking the name up included. */
  readonly timeoutMs: number
  /** The address of the URL's host; by default as the system looks it up. */
  readonly resolve?: (host: string) => Promise<string>
}

/**
 * One request through the workload's public name, on a connection of its own, as a new customer makes it.
 *
 * @returns the status; a redirect is not followed, because it is not yet an answer of the workload
 * @throws LifeboatError `SwitchNotProven` when there is no answer or it is not a success
 */
export async function probeHttp(probe: HttpProbe): Promise<number> {
  const what = `${probe.method} ${probe.url}`
  let status: number
  try {
    status = await statusOf(probe)
  } catch (error) {
    if (error instanceof LifeboatError) throw error
    throw new LifeboatError('SwitchNotProven', `${what} has no answer`, { cause: error })
  }
  if (status >= 200 && status < 300) return status
  throw new LifeboatError('SwitchNotProven', `${what} answers ${status}`)
}

function statusOf({ url, method, body, timeoutMs, resolve }: HttpProbe): Promise<number> {
  const target = new URL(url)
  const options: RequestOptions = {
    method,
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(resolve && { lookup: lookupBy(resolve) }),
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }),
  }
  return new Promise((answered, failed) => {
    const read = (response: IncomingMessage) => {
      response.on('error', failed)
      response.on('end', () => answered(response.statusCode ?? 0))
      response.resume()
    }
    const open = target.protocol === 'https:' ? requestHttps : requestHttp
    open(target, options, read).on('error', failed).end(body)
  })
}

function lookupBy(resolve: NonNullable<HttpProbe['resolve']>): LookupFunction {
  return (host, { all }, answer) => {
    resolve(host).then(
      (address) => {
        const family = isIPv6(address) ? 6 : 4
        if (all) answer(null, [{ address, family }])
        else answer(null, address, family)
      },
      (error: NodeJS.ErrnoException) => answer(error, '', 0),
    )
  }
}
