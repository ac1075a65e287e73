import { describe, expect, test } from 'vitest'
import { EVERYWHERE, parseRange, Targets } from './targets.ts'

const loopback = new Targets()
const wide = new Targets(EVERYWHERE)

describe('health checks', () => {
  test.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    'may reach %s',
    (address) => {
      expect(loopback.isAllowed(address)).toBe(true)
    },
  )

  test.each([
    '10.0.0.1',
    '192.0.2.1',
    '2001:db8::1',
    '128.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    'localhost',
    '0x7f.1',
    '127.1',
    '',
  ])("may not reach '%s'", (address) => {
    expect(loopback.isAllowed(address)).toBe(false)
  })

  test('may reach what is allowed, and no more', () => {
    const targets = new Targets([parseRange('10.1.0.0/16')!, parseRange('2001:db8::1')!])
    expect(targets.isAllowed('10.1.2.3')).toBe(true)
    expect(targets.isAllowed('2001:db8::1')).toBe(true)
    expect(targets.isAllowed('::ffff:10.1.2.3')).toBe(true)
    expect(targets.isAllowed('10.2.0.1')).toBe(false)
    expect(targets.isAllowed('2001:db8::2')).toBe(false)
  })

  test.each([
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    'fe80::1%lo',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'ff02::1',
  ])('may never reach %s, though everything is allowed', (address) => {
    expect(wide.isAllowed('192.0.2.1')).toBe(true)
    expect(wide.isAllowed(address)).toBe(false)
  })

  test.each(['10.0.0.0/33', '10.0.0/8', 'example.com', '::/129', '10.0.0.1/', ''])(
    "are not allowed '%s', which is no range",
    (text) => {
      expect(parseRange(text)).toBeUndefined()
    },
  )
})
