import { describe, expect, test } from 'vitest'
import { regionUnderTest } from '../aws/region-under-test.ts'
import { awsErrorCode, RawConnection } from './raw-connection.ts'

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'

/** Things that are no request, or two requests where one seems to be. */
const MALFORMED: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'HTTP of another version': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'a length and chunks': `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks and a length': `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  'two lengths': `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
  'a length with a sign': `${HEAD}Content-Length: +5\r\n\r\nabcde`,
  'a length of words': `${HEAD}Content-Length: five\r\n\r\nabcde`,
  'an encoding that is not known': `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a space before the colon': `${HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'a folded header': `${HEAD}X-A: b\r\n c\r\n\r\n`,
  'a header without a name': `${HEAD}: b\r\n\r\n`,
  'a NUL in a header': `${HEAD}X-A: b\0c\r\n\r\n`,
  'a NUL in the target': 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a chunk of no size': `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'a header that is too large': `${HEAD}X-A: ${'b'.repeat(20_000)}\r\n\r\n`,
  'a target that is too large': `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a tunnel': 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target with a scheme': 'GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target of an asterisk': 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'an upgrade': 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'an expectation': `${HEAD}Expect: tea\r\nContent-Length: 0\r\n\r\n`,
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'a body announced as too large': `${HEAD}Content-Length: 99999999\r\n\r\n`,
  'a query that is not UTF-8': 'GET /?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n',
  'a query of broken escapes': 'GET /?a=%z HTTP/1.1\r\nHost: a\r\n\r\n',
}

describe('what is not a request', () => {
  const region = regionUnderTest()

  test.each(Object.entries(MALFORMED))('%s is answered with an AWS error', async (_, bytes) => {
    const connection = new RawConnection(region.port())
    const reply = await connection.send(Buffer.from(bytes, 'latin1'))
    connection.close()
    expect(awsErrorCode(reply)).toMatch(/^[A-Z]/)
    expect(region.errors).toEqual([])
  })

  test('a body that grows too large in chunks is cut off', async () => {
    const chunk = Buffer.concat([
      Buffer.from('10000\r\n'),
      Buffer.alloc(0x10000, 'a'),
      Buffer.from('\r\n'),
    ])
    const connection = new RawConnection(region.port())
    const head = Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
    const reply = await connection.send(Buffer.concat([head, ...Array(20).fill(chunk)]))
    connection.close()
    expect(reply?.status).toBe(413)
    expect(awsErrorCode(reply)).toBe('RequestEntityTooLarge')
  })

  test('a second request behind a first one is judged for itself', async () => {
    const connection = new RawConnection(region.port())
    const one = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    const first = await connection.send(Buffer.from(one + one))
    expect(awsErrorCode(first)).toBe('MissingAuthenticationToken')
    connection.close()
  })
})
