import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true })

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
