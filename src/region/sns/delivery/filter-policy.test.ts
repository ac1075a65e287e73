import { describe, expect, test } from 'vitest'
import { Fault } from '../../protocol/fault.ts'
import { matches, parseFilterPolicy } from './filter-policy.ts'

const attributes = {
  store: { type: 'String', value: 'example_corp' },
  event: { type: 'String', value: 'order_placed' },
  price: { type: 'Number', value: '210.75' },
  interests: { type: 'String.Array', value: '["rugby", "football", null]' },
  bytes: { type: 'Binary', value: 'AA==' },
}

function takes(policy: object, text = ''): boolean {
  const scope = 'MessageAttributes'
  return matches(parseFilterPolicy(JSON.stringify(policy), scope), scope, { text, attributes })
}

describe('by attributes', () => {
  test.each([
    ['an exact value', { store: ['example_corp'] }, true],
    ['another value', { store: ['other_corp'] }, false],
    ['any of the values', { store: ['a', 'example_corp'] }, true],
    ['all of the keys', { store: ['example_corp'], event: ['order_cancelled'] }, false],
    ['a key that is not there', { customer: ['x'] }, false],
    ['a prefix', { event: [{ prefix: 'order_' }] }, true],
    ['another prefix', { event: [{ prefix: 'placed' }] }, false],
    ['a suffix', { event: [{ suffix: '_placed' }] }, true],
    ['another case', { event: [{ 'equals-ignore-case': 'ORDER_PLACED' }] }, true],
    ['anything but a value', { event: [{ 'anything-but': ['order_cancelled'] }] }, true],
    ['anything but this value', { event: [{ 'anything-but': 'order_placed' }] }, false],
    ['anything but a prefix', { event: [{ 'anything-but': { prefix: 'order' } }] }, false],
    ['anything but, of a key that is not there', { customer: [{ 'anything-but': 'x' }] }, false],
    ['a number', { price: [210.75] }, true],
    ['a number as text', { price: ['210.75'] }, false],
    ['a range', { price: [{ numeric: ['>', 0, '<=', 210.75] }] }, true],
    ['a range that ends before', { price: [{ numeric: ['>', 0, '<', 210.75] }] }, false],
    ['one of a list', { interests: ['football'] }, true],
    ['null in a list', { interests: [null] }, true],
    ['a key that exists', { store: [{ exists: true }] }, true],
    ['a key that must not exist', { store: [{ exists: false }] }, false],
    ['a key that does not exist', { customer: [{ exists: false }] }, true],
    ['the value of a binary attribute', { bytes: ['AA=='] }, false],
    ['a key of a prototype', { constructor: [{ exists: true }] }, false],
    ['nothing at all', {}, true],
  ])('%s', (_, policy, isTaken) => {
    expect(takes(policy)).toBe(isTaken)
  })
})

describe('by the body', () => {
  const body = JSON.stringify({
    alarm: { state: 'ALARM', tags: ['a', 'b'] },
    list: [{ n: 1 }, { n: 2 }],
  })
  test.each([
    ['a nested value', { alarm: { state: ['ALARM'] } }, body, true],
    ['another nested value', { alarm: { state: ['OK'] } }, body, false],
    ['one of a list', { alarm: { tags: ['b'] } }, body, true],
    ['any of many objects', { list: { n: [2] } }, body, true],
    ['none of many objects', { list: { n: [3] } }, body, false],
    ['a body that is no JSON', { alarm: { state: ['ALARM'] } }, 'ALARM', false],
  ])('%s', (_, policy, text, isTaken) => {
    const read = parseFilterPolicy(JSON.stringify(policy), 'MessageBody')
    expect(matches(read, 'MessageBody', { text })).toBe(isTaken)
  })
})

describe('refuses', () => {
  test.each([
    ['what is no JSON', '{'],
    ['a list', '[]'],
    ['a value without a list', '{"store":"example_corp"}'],
    ['an empty list', '{"store":[]}'],
    ['an operator that is not known', '{"store":[{"cidr":"10.0.0.0/8"}]}'],
    ['two operators in one', '{"store":[{"prefix":"a","suffix":"b"}]}'],
    ['a range of one', '{"price":[{"numeric":[">"]}]}'],
    ['a range of three', '{"price":[{"numeric":[">",1,"<",2,"=",3]}]}'],
    ['alternatives', '{"$or":[{"a":["b"]},{"c":["d"]}]}'],
    ['objects, by attributes', '{"store":{"name":["x"]}}'],
    ['six keys', '{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}'],
    ['too many combinations', JSON.stringify({ a: Array(13).fill('x'), b: Array(12).fill('y') })],
  ])('%s', (_, text) => {
    expect(() => parseFilterPolicy(text, 'MessageAttributes')).toThrow(Fault)
  })
})
