import { isIPv6, type LookupFunction } from 'node:net'
import { LifeboatError } from '../core/errors.ts'
import { openRequest } from './open-request.ts'

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

function statusOf({ resolve, timeoutMs, ...asked }: HttpProbe): Promise<number> {
  const lookup = resolve && { lookup: lookupBy(resolve) }
  const one = { ...asked, ...lookup, signal: AbortSignal.timeout(timeoutMs) }
  return new Promise((answered, failed) => {
    const request = openRequest(one, (response) => {
      response.on('error', failed)
      response.on('end', () => answered(response.statusCode ?? 0))
      response.resume()
    })
    request.on('error', failed)
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
