import { openRequest } from './open-request.ts'

const KEPT_BYTES = 64 * 1024

/**
 * One request, on a connection of its own. A redirect is not followed.
 *
 * @returns the status and the beginning of the answer, 64 KiB at most; or the code of what went wrong
 */
export function requestOnce(o: {
  url: string
  method: string
  body?: string
  signal: AbortSignal
}): Promise<{ status: number; text: string } | { failure: string }> {
  return new Promise((resolve) => {
    const fail = ({ code, name }: NodeJS.ErrnoException) => resolve({ failure: code ?? name })
    const request = openRequest(o, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const end = () => {
        const text = Buffer.concat(chunks).subarray(0, KEPT_BYTES).toString()
        resolve({ status: response.statusCode ?? 0, text })
        response.destroy()
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes >= KEPT_BYTES) end()
      })
      response.on('end', end)
      response.on('error', fail)
    })
    request.on('error', fail)
  })
}
