import { request as openRequest } from 'node:http'
import { jsonIn } from '../../core/json.ts'
import { SENDER_HEADER } from './sender.ts'
import { type SessionKeys, signedHeaders } from './signed-headers.ts'

/** What a service refused a call with. */
export class CallRefusal extends Error {
  constructor(
    /** As `AccessDeniedException`. */
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** Far more than any answer needs. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * Calls a JSON service of a region of the home as its other clients do: over HTTP, signed with temporary keys.
 *
 * @param o.from       the region that calls
 * @param o.endpoint   as `http://127.0.0.1:4566`
 * @param o.target     as `secretsmanager.GetSecretValue`
 * @param o.timeoutMs  for all of it
 * @returns the answer's JSON, in which times are numbers and bytes are base64
 * @throws CallRefusal; and what a connection fails with when the region is away
 */
export async function callJson(o: {
  from: string
  endpoint: string
  region: string
  service: string
  target: string
  input: object
  keys: SessionKeys
  now: Date
  timeoutMs: number
}): Promise<Record<string, unknown>> {
  const endpoint = new URL(o.endpoint)
  const body = JSON.stringify(o.input)
  const headers = signedHeaders({
    method: 'POST',
    path: '/',
    region: o.region,
    service: o.service,
    body,
    headers: {
      host: endpoint.host,
      'content-type': 'application/x-amz-json-1.1',
      'content-length': `${Buffer.byteLength(body)}`,
      'x-amz-target': o.target,
      [SENDER_HEADER]: o.from,
    },
    keys: o.keys,
    now: o.now,
  })
  const { hostname: host, port } = endpoint
  const signal = AbortSignal.timeout(o.timeoutMs)
  const request = openRequest({
    agent: false,
    host,
    port,
    method: 'POST',
    path: '/',
    headers,
    signal,
  })
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.on('error', reject)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too long'))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
    })
  })
  request.end(body)
  const { status, text } = await answered
  const answer = parseAnswer(text)
  if (status === 200 && answer) return answer
  const { __type: code = `Status${status}`, message = '' } = answer ?? {}
  throw new CallRefusal(String(code), String(message))
}

function parseAnswer(text: string): Record<string, unknown> | undefined {
  const value = jsonIn(text)
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
