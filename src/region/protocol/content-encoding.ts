import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from './fault.ts'

/** What a compressed body may become, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024

/**
 * The body as its operation means it: clients may compress what is large, as the metrics of many minutes.
 *
 * Source: Smithy, the `requestCompression` trait.
 *
 * @throws Fault `SerializationException` for another encoding, for what is not gzip, and for too much
 */
export async function decoded(
  body: Buffer,
  headers: ReadonlyMap<string, readonly string[]>,
): Promise<Buffer> {
  const encoding = headers.get('content-encoding')?.[0]
  if (encoding === undefined || body.length === 0) return body
  if (encoding !== 'gzip') throw refused(`The content encoding '${encoding}' is not known.`)
  try {
    return await promisify(gunzip)(body, { maxOutputLength: MAX_BYTES })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw refused(`A body has at most ${MAX_BYTES} bytes.`)
    if (/^(Z_|ERR_)/.test(code)) throw refused('The body is not gzip.')
    throw error
  }
}

function refused(message: string) {
  const shape = { wireCode: 'SerializationException', httpStatus: 400 }
  return new Fault('SerializationException', message, shape)
}
