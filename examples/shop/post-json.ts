import { Resolver } from 'node:dns'
import { Agent, request } from 'node:http'
import type { LookupFunction } from 'node:net'

/** LIFEBOAT_DNS, `host:port`: the name server of embedded regions; else names are looked up as the system does. */
const lookup = process.env.LIFEBOAT_DNS ? lookupAt(process.env.LIFEBOAT_DNS) : undefined
const agent = new Agent({ keepAlive: true, ...(lookup && { lookup }) })

/** POSTs JSON over a connection that is kept. Resolves to the answer's status and its body, parsed. */
export function postJson(
  url: URL,
  body: object,
  { timeoutMs }: { timeoutMs: number },
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    const sent = request(
      url,
      { method: 'POST', agent, headers, timeout: timeoutMs },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) })
        })
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('the shop does not answer')))
    sent.on('error', reject)
    sent.end(text)
  })
}

function lookupAt(server: string): LookupFunction {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 })
  resolver.setServers([server])
  return (host, { all }, answer) => {
    resolver.resolve4(host, (error, [address = ''] = []) => {
      if (error) answer(error, '', 0)
      else if (all) answer(null, [{ address, family: 4 }])
      else answer(null, address, 4)
    })
  }
}
