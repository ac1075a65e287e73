import { Agent, request as openRequest } from 'node:http'
import { systemClock } from '../../src/core/clock.ts'
import {
  canonicalRequest,
  formatScope,
  signatureOf,
  stringToSign,
  uriEncode,
} from '../../src/region/protocol/canonical-request.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** As much of a client of S3 as is needed to keep a server busy: what it does itself takes little of the processor. */
export class S3Client {
  readonly #agent: Agent
  readonly #endpoint: URL

  constructor(
    private readonly o: {
      endpoint: string
      region: string
      credentials: S3Credentials
      connections: number
    },
  ) {
    this.#endpoint = new URL(o.endpoint)
    this.#agent = new Agent({ keepAlive: true, maxSockets: o.connections })
  }

  /** The answer's body. @throws Error with the status, for anything but success */
  async send(
    method: string,
    path: string,
    { query = [], body }: { query?: readonly (readonly [string, string])[]; body?: Buffer } = {},
  ): Promise<Buffer> {
    const headers = {
      host: this.#endpoint.host,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-date': systemClock
        .now()
        .toISOString()
        .replace(/[-:]|\.\d{3}/g, ''),
    }
    const authorization = this.#authorization(method, path, query, headers)
    const pairs = query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
    const length = body ? { 'content-length': `${body.length}` } : {}
    return await new Promise((resolve, reject) => {
      const request = openRequest({
        ...{ agent: this.#agent, host: this.#endpoint.hostname, port: this.#endpoint.port, method },
        path: pairs.length > 0 ? `${path}?${pairs.join('&')}` : path,
        headers: { ...headers, ...length, authorization },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const all = Buffer.concat(pieces)
          if ((response.statusCode ?? 0) < 300) return resolve(all)
          const text = all.toString('utf8', 0, 300)
          reject(new Error(`${method} ${path} was answered ${response.statusCode}: ${text}`))
        })
      })
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #authorization(
    method: string,
    path: string,
    query: readonly (readonly [string, string])[],
    headers: Record<string, string>,
  ): string {
    const { region, credentials } = this.o
    const time = headers['x-amz-date']!
    const scope = { date: time.slice(0, 8), region, service: 's3' }
    const names = Object.keys(headers).sort()
    const canonical = canonicalRequest({
      ...{ method, path, query, signedHeaders: names, isPathVerbatim: true },
      headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
      payloadHash: 'UNSIGNED-PAYLOAD',
    })
    const text = stringToSign(canonical, time, scope)
    const signature = signatureOf(credentials.secretAccessKey, text, scope).toString('hex')
    const credential = `${credentials.accessKeyId}/${formatScope(scope)}`
    return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  }
}
