import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decoded } from './content-encoding.ts'

const GZIP = new Map([['content-encoding', ['gzip']]])

test('reads what is compressed, and leaves alone what is not', async () => {
  const body = Buffer.from('{"a":1}')
  expect(await decoded(gzipSync(body), GZIP)).toEqual(body)
  expect(await decoded(body, new Map())).toBe(body)
})

test.each([
  ['another encoding', Buffer.from('x'), new Map([['content-encoding', ['br']]])],
  ['what is not compressed', Buffer.from('{"a":1}'), GZIP],
  ['what is cut off', gzipSync('a'.repeat(1000)).subarray(0, 20), GZIP],
  ['what becomes too large', gzipSync(Buffer.alloc(11 * 1024 * 1024)), GZIP],
])('refuses %s', async (_, body, headers) => {
  await expect(decoded(body, headers)).rejects.toMatchObject({
    wireCode: 'SerializationException',
    httpStatus: 400,
  })
})
