import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { respond } from './respond.ts'
import { emptyAnswer, RCODE } from './response.ts'

const authority = { version: 0, answer: () => emptyAnswer(RCODE.noSuchName) }
const good = dnsPacket.encode({ type: 'query', id: 7, questions: [{ name: 'a.test', type: 'A' }] })

function rcodeOf(message: Buffer): number | undefined {
  const response = respond(message, 'udp', authority)
  return response && response.readUInt16BE(2) & 0xf
}

const withBytes = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  return bytes
}

describe('a message', () => {
  test.each([
    ['that is too short', Buffer.alloc(11)],
    ['that is an answer itself', withBytes((bytes) => bytes.writeUInt16BE(0x8000, 2))],
  ])('%s is not answered: it could go on for ever', (_, message) => {
    expect(respond(message, 'udp', authority)).toBeUndefined()
  })

  test.each([
    ['two questions', withBytes((bytes) => bytes.writeUInt16BE(2, 4))],
    ['no question', good.subarray(0, 12)],
    ['an answer', withBytes((bytes) => bytes.writeUInt16BE(1, 6))],
    ['65,535 records', withBytes((bytes) => bytes.writeUInt16BE(0xffff, 10))],
    ['a record that is not there', withBytes((bytes) => bytes.writeUInt16BE(1, 10))],
    ['a name that points at itself', withBytes((bytes) => bytes.writeUInt16BE(0xc00c, 12))],
    ['something behind its end', Buffer.concat([good, Buffer.alloc(1)])],
    ['an unfinished question', good.subarray(0, good.length - 1)],
  ])('with %s is malformed', (_, message) => {
    expect(rcodeOf(message)).toBe(RCODE.formatError)
  })

  test.each([
    ['a notification', 4],
    ['an update', 5],
    ['a status request', 2],
  ])('that is %s is not served', (_, opcode) => {
    const message = withBytes((bytes) => bytes.writeUInt16BE(opcode << 11, 2))
    expect(rcodeOf(message)).toBe(RCODE.notImplemented)
  })

  test('of another class is refused', () => {
    const message = withBytes((bytes) => bytes.writeUInt16BE(3, bytes.length - 2))
    expect(rcodeOf(message)).toBe(RCODE.refused)
  })

  test('of another version of EDNS is told so', () => {
    const opt = Buffer.from([0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0])
    const message = withBytes((bytes) => bytes.writeUInt16BE(1, 10))
    const response = dnsPacket.decode(respond(Buffer.concat([message, opt]), 'udp', authority)!)
    expect(response.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }])
    expect(rcodeOf(Buffer.concat([message, opt]))).toBe(RCODE.badVersion & 0xf)
  })

  test('of any bytes gets one answer that others can read, or none', () => {
    const mutated = fc
      .array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 6 })
      .map((changes) =>
        withBytes((bytes) => {
          for (const [at, value] of changes) bytes[at] = value
        }),
      )
    const anything = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(mutated, anything), fc.boolean(), (message, isTcp) => {
        const response = respond(message, isTcp ? 'tcp' : 'udp', authority)
        if (!response) return
        expect(dnsPacket.decode(response).id).toBe(message.readUInt16BE(0))
        expect(response.length).toBeLessThanOrEqual(message.length + 11)
      }),
      { numRuns: 5000 },
    )
  })
})
