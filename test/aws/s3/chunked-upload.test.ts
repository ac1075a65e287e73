import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import {
  formatScope,
  hmac,
  sha256Hex,
  signingKeyOf,
} from '../../../src/region/protocol/canonical-request.ts'
import { bytesOf, type Draft, signed, withHeader } from '../../security/drafts.ts'
import { basicTime } from '../../security/forgeries.ts'
import { rawRequest } from './raw-request.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const TRAILED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
const UNSIGNED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const CRC = 'x-amz-checksum-crc32'

/** A content that has every byte, in a chunk of 64 KiB and a smaller one. */
const CONTENT = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256))

describe('an upload in chunks', () => {
  const region = s3UnderTest()
  const Bucket = 'chunked'
  let count = 0
  beforeAll(async () => {
    await region.bucket(Bucket)
  })

  /** Sends an upload whose body is bent by `bend`; answers its outcome and what is stored then. */
  const upload = async (mode: string, o: Bending = {}) => {
    count += 1
    const Key = `key-${count}`
    const host = new URL(region.endpoint()).host
    const time = basicTime(new Date())
    const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
    const signing = { ...CREDENTIALS, scope, time, payloadHash: mode }
    const headers: [string, string][] = [
      ['host', host],
      ['x-amz-content-sha256', mode],
      ['x-amz-decoded-content-length', `${o.length ?? CONTENT.length}`],
      ['content-encoding', 'aws-chunked'],
      ...(mode === SIGNED ? [] : ([['x-amz-trailer', CRC]] as [string, string][])),
    ]
    const draft: Draft = { method: 'PUT', path: `/${Bucket}/${Key}`, query: [], headers, body: '' }
    const head = signed(draft, signing)
    const [, authorization = ''] = head.headers.find(([name]) => name === 'Authorization')!
    const seed = authorization.slice(authorization.indexOf('Signature=') + 'Signature='.length)
    const body = bodyOf(mode, { seed, time, scope })
    const sent = o.bend?.(body) ?? body
    const reply = await fetch(`${region.endpoint()}/${Bucket}/${Key}`, {
      method: 'PUT',
      headers: Object.fromEntries(head.headers.filter(([name]) => name !== 'host')),
      body: sent,
    })
    const text = await reply.text()
    const listed = await region.sdk().listObjectsV2({ Bucket, Prefix: Key })
    const code = /<Code>(\w+)</.exec(text)?.[1]
    return { status: reply.status, code, isStored: listed.KeyCount === 1, Key, reply }
  }

  test.each([SIGNED, TRAILED, UNSIGNED])('%s is stored without its chunks', async (mode) => {
    const { status, isStored, Key, reply } = await upload(mode)
    expect([status, isStored]).toEqual([200, true])
    if (mode !== SIGNED) expect(reply.headers.get(CRC)).toBe(crcOf(CONTENT))
    const got = await region.sdk().getObject({ Bucket, Key })
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(CONTENT)).toBe(true)
    expect(got.ContentEncoding).toBeUndefined()
    expect(got.ETag).toBe(`"${createHash('md5').update(CONTENT).digest('hex')}"`)
  })

  const flip = (at: (body: Buffer) => number) => (body: Buffer) => {
    const bent = Buffer.from(body)
    bent[at(body)]! ^= 1
    return bent
  }
  /** Another digit, so that it is still a signature. */
  const flipHex = (at: (body: Buffer) => number) => (body: Buffer) => {
    const bent = Buffer.from(body)
    const zero = '0'.charCodeAt(0)
    bent[at(body)] = bent[at(body)] === zero ? zero + 1 : zero
    return bent
  }
  const signatureAt = (nth: number) => (body: Buffer) => {
    let at = -1
    for (let i = 0; i <= nth; i += 1) at = body.indexOf('signature=', at + 1)
    return at + 'signature='.length
  }
  const trailerSignature = (body: Buffer) => body.indexOf('trailer-signature:') + 18
  const trailer = (body: Buffer) => body.indexOf(`${CRC}:`) + CRC.length + 1

  test.each([
    ['a byte of the first chunk', SIGNED, flip(() => 1000), 'SignatureDoesNotMatch'],
    ['a byte of the second', SIGNED, flip((b) => b.length - 300), 'SignatureDoesNotMatch'],
    ['the first signature', SIGNED, flipHex(signatureAt(0)), 'SignatureDoesNotMatch'],
    ['the second', SIGNED, flipHex(signatureAt(1)), 'SignatureDoesNotMatch'],
    ['the last', SIGNED, flipHex(signatureAt(2)), 'SignatureDoesNotMatch'],
    ['chunks by turns', SIGNED, swapChunks, undefined],
    ['no last chunk', SIGNED, (b: Buffer) => b.subarray(0, b.lastIndexOf('0;chunk')), undefined],
    ['half of it', SIGNED, (b: Buffer) => b.subarray(0, 30_000), 'IncompleteBody'],
    ['a byte', TRAILED, flip(() => 1000), 'SignatureDoesNotMatch'],
    ['the trailer', TRAILED, flip(trailer), 'SignatureDoesNotMatch'],
    ["the trailer's signature", TRAILED, flipHex(trailerSignature), 'SignatureDoesNotMatch'],
    ['a byte', UNSIGNED, flip(() => 1000), 'BadDigest'],
    ['the trailer', UNSIGNED, flip(trailer), undefined],
    ['no trailer', UNSIGNED, (b: Buffer) => cut(b, `${CRC}:`), 'MalformedTrailerError'],
    [
      'bytes after its end',
      UNSIGNED,
      (b: Buffer) => Buffer.concat([b, Buffer.from('x')]),
      'IncompleteBody',
    ],
  ])('with %s changed is refused and not stored (%s)', async (_, mode, bend, code) => {
    const outcome = await upload(mode, { bend })
    expect(outcome.status).toBeGreaterThanOrEqual(400)
    expect(outcome.status).toBeLessThan(500)
    expect(outcome.isStored).toBe(false)
    if (code) expect(outcome.code).toBe(code)
    expect(region.errors).toEqual([])
  })

  test('of another length than announced is refused and not stored', async () => {
    for (const length of [CONTENT.length - 1, CONTENT.length + 1]) {
      const outcome = await upload(SIGNED, { length })
      expect(outcome).toMatchObject({ status: 400, code: 'IncompleteBody', isStored: false })
    }
  })
})

describe('an upload in one piece', () => {
  const region = s3UnderTest()
  const Bucket = 'single'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const keys = async () => (await region.sdk().listObjectsV2({ Bucket })).KeyCount
  const put = (more: object) =>
    rawRequest(region, { method: 'PUT', path: `/${Bucket}/k`, body: CONTENT, ...more })

  test('that is not what was signed is refused and not stored', async () => {
    const sent = Buffer.from(CONTENT)
    sent[5]! ^= 1
    const reply = await put({ sent })
    expect(reply.status).toBe(400)
    expect(await reply.text()).toContain('<Code>XAmzContentSHA256Mismatch</Code>')
    expect(await keys()).toBe(0)
  })

  test('says how its body is protected, in a way that is known', async () => {
    for (const payloadHash of ['none', 'STREAMING-UNSIGNED-PAYLOAD', 'A'.repeat(64)]) {
      const reply = await put({ payloadHash })
      expect(reply.status).toBe(400)
      expect(await reply.text()).toContain('<Code>InvalidArgument</Code>')
    }
    expect(await keys()).toBe(0)
  })

  test('may leave its body unsigned', async () => {
    const reply = await put({ payloadHash: 'UNSIGNED-PAYLOAD' })
    expect(reply.status).toBe(200)
    expect(await keys()).toBe(1)
    await region.sdk().deleteObject({ Bucket, Key: 'k' })
  })

  test('whose client goes away leaves nothing', async () => {
    const time = basicTime(new Date())
    const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
    const draft: Draft = { method: 'PUT', path: `/${Bucket}/k`, query: [], headers: [], body: '' }
    const headed = withHeader(draft, 'host', new URL(region.endpoint()).host)
    const claimed = withHeader(headed, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD')
    const signing = { ...CREDENTIALS, scope, time, payloadHash: 'UNSIGNED-PAYLOAD' }
    const head = bytesOf(withHeader(signed(claimed, signing), 'content-length', '1000000'))
    const socket = connect({ port: region.port(), host: '127.0.0.1' })
    socket.write(head)
    socket.write(Buffer.alloc(300_000, 'x'))
    // The rest never comes. That the server has begun shows in that it reads.
    while (socket.writableLength > 0) await new Promise((resolve) => socket.once('drain', resolve))
    socket.destroy()
    await new Promise((resolve) => socket.once('close', resolve))
    const incoming = join(region.folder(), 's3', 'objects', 'blobs', 'incoming')
    await vi.waitFor(async () => expect(await readdir(incoming)).toEqual([]), { timeout: 60_000 })
    expect(await keys()).toBe(0)
    await region.sdk().putObject({ Bucket, Key: 'k', Body: 'after' })
    expect(await region.text(Bucket, 'k')).toBe('after')
    expect(region.errors).toEqual([])
  })
})

interface Bending {
  readonly bend?: (body: Buffer) => Buffer
  readonly length?: number
}

function bodyOf(
  mode: string,
  { seed, time, scope }: { seed: string; time: string; scope: Parameters<typeof formatScope>[0] },
): Buffer {
  const key = signingKeyOf(CREDENTIALS.secretAccessKey, scope)
  let previous = seed
  const sign = (kind: string, ...hashes: string[]) => {
    const text = [kind, time, formatScope(scope), previous, ...hashes].join('\n')
    previous = hmac(key, text).toString('hex')
    return previous
  }
  const chunks = [CONTENT.subarray(0, 65_536), CONTENT.subarray(65_536), Buffer.alloc(0)]
  const parts = chunks.flatMap((chunk) => {
    const size = chunk.length.toString(16)
    const signature =
      mode === UNSIGNED
        ? ''
        : `;chunk-signature=${sign('AWS4-HMAC-SHA256-PAYLOAD', sha256Hex(''), sha256Hex(chunk))}`
    return [Buffer.from(`${size}${signature}\r\n`), chunk, Buffer.from(chunk.length ? '\r\n' : '')]
  })
  if (mode === SIGNED) return Buffer.concat([...parts, Buffer.from('\r\n')])
  const line = `${CRC}:${crcOf(CONTENT)}`
  const signature =
    mode === TRAILED
      ? `x-amz-trailer-signature:${sign('AWS4-HMAC-SHA256-TRAILER', sha256Hex(`${line}\n`))}\r\n`
      : ''
  return Buffer.concat([...parts, Buffer.from(`${line}\r\n${signature}\r\n`)])
}

/** The second chunk before the first, each with its own signature. */
function swapChunks(body: Buffer): Buffer {
  const second = body.indexOf('1170;chunk')
  const last = body.lastIndexOf('0;chunk')
  return Buffer.concat([body.subarray(second, last), body.subarray(0, second), body.subarray(last)])
}

/** Without the line that begins with `start`. */
function cut(body: Buffer, start: string): Buffer {
  const at = body.indexOf(start)
  return Buffer.concat([body.subarray(0, at), body.subarray(body.indexOf('\r\n', at) + 2)])
}

function crcOf(bytes: Buffer): string {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(crc32(bytes))
  return buffer.toString('base64')
}
