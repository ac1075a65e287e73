import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWithin, parentOf, parseName, readName, wireName } from './name.ts'

describe('a domain name', () => {
  test.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['*.example.com', '\\052.example.com'],
    ['\\052.example.com', '\\052.example.com'],
    ['a_b-1.example', 'a_b-1.example'],
    ['ex\\344mple.com', 'ex\\344mple.com'],
    ['EX\\101MPLE.com', 'example.com'],
    ['a\\056b.example', 'a\\056b.example'],
    ['.', ''],
  ])('%s is kept as %s', (text, name) => {
    expect(parseName(text)).toBe(name)
  })

  test.each([
    ['a..b', 'empty label'],
    ['.a', 'empty label'],
    [`${'a'.repeat(64)}.b`, 'long label'],
    [`${'a.'.repeat(127)}bc`, 'long name'],
    ['a b.c', 'bad character'],
    ['\u00e4.b', 'bad character'],
    ['a\\999.b', 'bad character'],
    ['a\\', 'bad character'],
  ])('%s is refused: %s', (text, problem) => {
    expect(() => parseName(text)).toThrow(expect.objectContaining({ problem }))
  })

  test('of any bytes is the same after it went over the wire', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(label, { maxLength: 8 }), (labels) => {
        const wire = Buffer.concat([
          ...labels.flatMap((bytes) => [Buffer.from([bytes.length]), Buffer.from(bytes)]),
          Buffer.from([0]),
        ])
        const { name, end } = readName(wire, 0)!
        expect(end).toBe(wire.length)
        expect(parseName(name)).toBe(name)
        expect(readName(wireName(name), 0)!.name).toBe(name)
        expect(wireName(name).length).toBe(wire.length)
      }),
    )
  })

  test.each([
    ['that ends with the message', [3, 97, 98]],
    ['that has no end', [1, 97]],
    ['that is compressed', [1, 97, 0xc0, 0]],
    ['with an unknown kind of label', [0x41, 97, 0]],
    ['that is too long', [...Array.from({ length: 130 }, () => [1, 97]).flat(), 0]],
  ])('%s is not read', (_, bytes) => {
    expect(readName(Buffer.from(bytes), 0)).toBeUndefined()
  })

  test('lies within those above it, and not within those that only end alike', () => {
    expect(isWithin('a.example', 'example')).toBe(true)
    expect(isWithin('example', 'example')).toBe(true)
    expect(isWithin('badexample', 'example')).toBe(false)
    expect(isWithin('example', '')).toBe(true)
    expect(parentOf('a.example')).toBe('example')
    expect(parentOf('example')).toBe('')
    expect(parentOf('')).toBeUndefined()
  })
})
