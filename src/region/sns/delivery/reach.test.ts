import { describe, expect, test } from 'vitest'
import { isReachable, reachableAddress } from './reach.ts'

describe('by default only this machine is in reach', () => {
  test.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1'])('%s is', (address) => {
    expect(isReachable(address, 'loopback')).toBe(true)
  })

  test.each(['10.0.0.1', '192.168.1.1', '8.8.8.8', '2001:db8::1', '0.0.0.0', '::', '128.0.0.1'])(
    '%s is not',
    (address) => {
      expect(isReachable(address, 'loopback')).toBe(false)
    },
  )
})

describe('others are in reach when they are allowed', () => {
  test.each(['127.0.0.1', '10.0.0.1', '8.8.8.8', '2001:db8::1'])('%s is', (address) => {
    expect(isReachable(address, 'network')).toBe(true)
  })

  test.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    'fe80::1',
    'fd00:ec2::254',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
  ])('%s never is', (address) => {
    expect(isReachable(address, 'network')).toBe(false)
  })
})

test('a name is as reachable as its addresses', async () => {
  expect(await reachableAddress('127.0.0.1', 'loopback')).toBe('127.0.0.1')
  expect(await reachableAddress('[::1]', 'loopback')).toBe('::1')
  expect(await reachableAddress('localhost', 'loopback')).toMatch(/^(127\.0\.0\.1|::1)$/)
  expect(await reachableAddress('169.254.169.254', 'network')).toBeUndefined()
  // As the system's resolver reads it.
  expect(await reachableAddress('0x7f.1', 'loopback')).toBe('127.0.0.1')
})
