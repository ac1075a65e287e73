import { describe, expect, test } from 'vitest'
import { signingKeyOf } from './canonical-request.ts'
import { ChunkSignatures } from './chunk-signatures.ts'
import { chunkedBody } from './chunked-body.ts'

/** Source: S3 API Reference, "Example: Transferring payload in multiple chunks", without and with a trailer. */
const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' }
const SIGNING_KEY = signingKeyOf('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', SCOPE)
const CHUNKS = [Buffer.alloc(65536, 'a'), Buffer.alloc(1024, 'a'), Buffer.alloc(0)]
const PLAIN = {
  seed: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  chunks: [
    'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
  ],
}
const TRAILED = {
  seed: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
  chunks: [
    'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  ],
  trailer: 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
}
const NAME = 'x-amz-checksum-crc32c'

describe('a body of signed chunks', () => {
  test("of AWS's example is read", async () => {
    expect(await read(signedBody(PLAIN), { seed: PLAIN.seed })).toEqual({
      length: 66560,
      trailer: {},
    })
  })

  test("of AWS's example with a trailer is read", async () => {
    const options = { seed: TRAILED.seed, trailerNames: [NAME] }
    const body = signedBody(TRAILED, trailerOf(TRAILED.trailer))
    const trailer = { [NAME]: 'sOO8/Q==' }
    expect(await read(body, options)).toEqual({ length: 66560, trailer })
  })

  const body = signedBody(PLAIN).toString('latin1')
  test.each([
    ['one byte', body.replace('aaaa\r\n400;', 'aaab\r\n400;'), 'SignatureDoesNotMatch'],
    ['a signature', body.replace('ad80c7', 'ad80c8'), 'SignatureDoesNotMatch'],
    ['the last signature', body.replace('b6c6ea', 'b6c6eb'), 'SignatureDoesNotMatch'],
    ['no signature', body.replace(/400;chunk-signature=[0-9a-f]+/, '400'), 'SignatureDoesNotMatch'],
    ['no last chunk', body.slice(0, body.lastIndexOf('0;chunk')), 'IncompleteBody'],
    ['half of it', body.slice(0, 40_000), 'IncompleteBody'],
    ['bytes after its end', `${body}x`, 'IncompleteBody'],
    ['no empty line at its end', body.slice(0, -2), 'IncompleteBody'],
    ['a size that is no number', body.replace('10000;', 'zz;'), 'IncompleteBody'],
    ['another size', body.replace('400;', '3ff;'), 'SignatureDoesNotMatch'],
  ])('with %s changed does not end', async (_, changed, code) => {
    expect(changed).not.toBe(body)
    await refuses(read(Buffer.from(changed, 'latin1'), { seed: PLAIN.seed }), code)
  })

  test('of another length than announced does not end', async () => {
    for (const contentLength of [66559, 66561]) {
      const reading = read(signedBody(PLAIN), { seed: PLAIN.seed, contentLength })
      await refuses(reading, 'IncompleteBody')
    }
  })

  test.each([
    ['another value', trailerOf(TRAILED.trailer).replace('sOO8', 'sOO9'), 'SignatureDoesNotMatch'],
    ['another signature', trailerOf(TRAILED.trailer.replace('d8', 'd9')), 'SignatureDoesNotMatch'],
    ['no signature', `${NAME}:sOO8/Q==\r\n\r\n`, 'SignatureDoesNotMatch'],
    ['nothing in it', '\r\n', 'MalformedTrailerError'],
    [
      'what was not announced',
      `x-amz-other:1\r\n${trailerOf(TRAILED.trailer)}`,
      'MalformedTrailerError',
    ],
  ])('with a trailer with %s does not end', async (_, trailer, code) => {
    const options = { seed: TRAILED.seed, trailerNames: [NAME] }
    await refuses(read(signedBody(TRAILED, trailer), options), code)
  })
})

describe('a body of unsigned chunks', () => {
  const chunk = `2710\r\n${'a'.repeat(10_000)}\r\n`

  test('is read, with its trailer', async () => {
    const body = Buffer.from(`${chunk}5\r\nhello\r\n0\r\n${NAME}: sOO8/Q==\r\n\r\n`)
    const read1 = await read(body, { contentLength: 10_005, trailerNames: [NAME] })
    expect(read1).toEqual({ length: 10_005, trailer: { [NAME]: 'sOO8/Q==' } })
  })

  test('may be empty', async () => {
    const body = Buffer.from(`0\r\n${NAME}:AAAAAA==\r\n\r\n`)
    expect((await read(body, { contentLength: 0, trailerNames: [NAME] })).length).toBe(0)
  })

  test('must not have a small chunk before the last', async () => {
    const body = Buffer.from(`5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n`)
    await refuses(read(body, { contentLength: 10, trailerNames: [] }), 'InvalidChunkSizeError')
  })
})

/** Reads a body that arrives in pieces of `piece` bytes, whatever its chunks are. */
async function read(
  body: Buffer,
  o: { seed?: string; contentLength?: number; trailerNames?: string[]; piece?: number },
) {
  const outcomes = []
  for (const piece of [1000, 65_536, body.length]) {
    const trailer: Record<string, string> = {}
    let length = 0
    const content = chunkedBody(inPieces(body, piece), {
      signatures: o.seed
        ? new ChunkSignatures({
            signingKey: SIGNING_KEY,
            seed: o.seed,
            time: '20130524T000000Z',
            scope: SCOPE,
          })
        : undefined,
      contentLength: o.contentLength ?? 66560,
      trailerNames: o.trailerNames,
      onTrailer: (name, value) => {
        trailer[name] = value
      },
    })
    for await (const part of content) length += part.length
    outcomes.push({ length, trailer })
  }
  expect(outcomes[1]).toEqual(outcomes[0])
  expect(outcomes[2]).toEqual(outcomes[0])
  return outcomes[0]!
}

async function* inPieces(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

function signedBody({ chunks }: { chunks: string[] }, trailer?: string): Buffer {
  const parts = CHUNKS.flatMap((chunk, index) => [
    Buffer.from(`${chunk.length.toString(16)};chunk-signature=${chunks[index]}\r\n`),
    chunk,
    Buffer.from(chunk.length > 0 ? '\r\n' : ''),
  ])
  return Buffer.concat([...parts, Buffer.from(trailer ?? '\r\n')])
}

function trailerOf(signature: string): string {
  return `${NAME}:sOO8/Q==\r\nx-amz-trailer-signature:${signature}\r\n\r\n`
}

async function refuses(reading: Promise<unknown>, code: string): Promise<void> {
  await expect(reading).rejects.toMatchObject({ wireCode: code })
}
