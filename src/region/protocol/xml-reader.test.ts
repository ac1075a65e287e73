import { describe, expect, test } from 'vitest'
import { parseXml } from './xml-reader.ts'

describe('parseXml', () => {
  test('reads elements, attributes, entities, CDATA and comments', () => {
    const root = parseXml(
      '\ufeff<?xml version="1.0"?>\n<!-- a --><a:b xmlns:a="u" k=\'&lt;&#x41;\'>' +
        ' <c/>x&amp;y<![CDATA[<z>]]><c d="1">&#128735;</c></a:b>\n',
    )
    expect(root.name).toBe('b')
    expect(root.attributes.get('k')).toBe('<A')
    expect(root.text).toBe(' x&y<z>')
    expect(root.children.map(({ name, text }) => [name, text])).toEqual([
      ['c', ''],
      ['c', '\u{1f6df}'],
    ])
  })

  test.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '</a>',
    '<a b=1/>',
    '<a b="1" b="2"/>',
    '<a b="<"/>',
    '<a>&unknown;</a>',
    '<a>& </a>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a><![CDATA[</a>',
    '<a><!-- </a>',
    '<a'.repeat(10),
    '<a>'.repeat(40) + '</a>'.repeat(40),
  ])('refuses %s', (text) => {
    expect(() => parseXml(text)).toThrow(expect.objectContaining({ wireCode: 'MalformedXML' }))
  })

  test('reads what would make a slow pattern slow', () => {
    const began = performance.now()
    expect(() => parseXml(`<a ${'b="c" '.repeat(50_000)}`)).toThrow()
    expect(() => parseXml(`<a${' '.repeat(200_000)}`)).toThrow()
    expect(() => parseXml('<!--'.repeat(50_000))).toThrow()
    expect(() => parseXml('<![CDATA['.repeat(50_000))).toThrow()
    expect(performance.now() - began).toBeLessThan(5000)
  })
})
