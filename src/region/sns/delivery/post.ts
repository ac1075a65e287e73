import { type IncomingMessage, request as openHttp, type RequestOptions } from 'node:http'
import { request as openHttps } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { type Reach, reachableAddress } from './reach.ts'

/**
 * What became of a request. `refused`: asking again would not help; `away`: it may.
 *
 * Source: SNS Developer Guide, "Make sure your endpoint is ready to process Amazon SNS messages" and "Amazon SNS message
 * delivery retries".
 */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'away'; readonly reason: string }

/** How long an endpoint may take from the connection to the end of its answer, in milliseconds. */
const DEADLINE_MS = 15_000
/** How much of an answer is read, which is then dropped, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Sends a message to an endpoint, once. Redirections are not followed: they are refusals. */
export async function post(
  endpoint: string,
  o: { headers: Record<string, string>; body: string; reach: Reach; signal: AbortSignal },
): Promise<Outcome> {
  const url = new URL(endpoint)
  let address: string | undefined
  try {
    address = await reachableAddress(url.hostname, o.reach)
  } catch (error) {
    return { kind: 'away', reason: reasonOf(error) }
  }
  if (address === undefined) {
    return { kind: 'refused', reason: 'the endpoint is not at an address that may be reached' }
  }
  try {
    return outcomeOf(await send(url, address, o))
  } catch (error) {
    return { kind: 'away', reason: reasonOf(error) }
  }
}

/** The status of the answer, once its body has ended or is enough. */
async function send(
  url: URL,
  address: string,
  o: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<number> {
  const body = Buffer.from(o.body)
  const lookup: LookupFunction = (_host, options, callback) => {
    const family = isIPv6(address) ? 6 : 4
    if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...o.headers, 'content-length': `${body.length}` },
    agent: false,
    lookup,
    signal: AbortSignal.any([o.signal, AbortSignal.timeout(DEADLINE_MS)]),
  }
  return await new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? openHttps : openHttp)(url, options)
    request.on('error', reject)
    request.on('response', (response) => {
      drained(response).then(() => resolve(response.statusCode ?? 0), reject)
    })
    request.end(body)
  })
}

async function drained(response: IncomingMessage): Promise<void> {
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Buffer).length
    if (length > MAX_ANSWER_BYTES) break
  }
  response.destroy()
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  const reason = `the endpoint answered ${status}`
  return status >= 500 || status === 429 ? { kind: 'away', reason } : { kind: 'refused', reason }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error
  return (error as NodeJS.ErrnoException).code ?? error.name
}
