import { describe, expect, test } from 'vitest'
import { addressOf, isBucketName } from './address.ts'

describe('addressOf', () => {
  test.each([
    ['127.0.0.1:9000', '/', undefined, undefined],
    ['127.0.0.1:9000', '/b', 'b', undefined],
    ['127.0.0.1:9000', '/b/', 'b', undefined],
    ['127.0.0.1', '/b//k', 'b', '/k'],
    ['localhost:9000', '/b/k/../x', 'b', 'k/../x'],
    ['b.localhost:9000', '/', 'b', undefined],
    ['b.localhost', '/k/l', 'b', 'k/l'],
    ['a.b.s3.localhost:1', '/k', 'a.b', 'k'],
    ['s3.localhost', '/b/k', 'b', 'k'],
    ['s3.ap-southeast-1.localhost', '/b/k', 'b', 'k'],
    ['b.s3.ap-southeast-1.amazonaws.com', '/k', 'b', 'k'],
    ['a.b.s3-eu-west-1.amazonaws.com', '/k', 'a.b', 'k'],
    ['s3.ap-southeast-1.amazonaws.com', '/b/k', 'b', 'k'],
    ['s3.amazonaws.com', '/b/k', 'b', 'k'],
  ])('%s%s', (host, path, bucket, key) => {
    expect(addressOf(host, path)).toEqual({ bucket, key })
  })

  test('refuses keys of more than 1024 bytes', () => {
    expect(addressOf('a', `/b/${'ä'.repeat(512)}`).key).toHaveLength(512)
    expect(() => addressOf('a', `/b/${'ä'.repeat(512)}a`)).toThrow('too long')
  })
})

test('isBucketName accepts and refuses as the naming rules say', () => {
  const good = ['abc', 'my-bucket.1', '1'.repeat(63)]
  expect(good.filter((name) => !isBucketName(name))).toEqual([])
  const bad = ['ab', 'A-b', 'a_b', '-ab', 'ab-', 'a..b', '1.2.3.4', 'xn--a', 'a-s3alias']
  expect([...bad, '1'.repeat(64)].filter(isBucketName)).toEqual([])
})
