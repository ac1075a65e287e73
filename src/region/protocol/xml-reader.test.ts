import fc from 'fast-check'
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

  test('refuses more elements than any document has, before they take memory', () => {
    expect(() => parseXml(`<a>${'<b/>'.repeat(99_999)}</a>`)).not.toThrow()
    for (const element of ['<b/>', '<b c="d"/>', '<b>', '<b></b>']) {
      const text = `<a>${element.repeat(1_000_000)}`
      expect(() => parseXml(text)).toThrow(expect.objectContaining({ wireCode: 'MalformedXML' }))
    }
  })

  test('reads any text or refuses it, and nothing else', () => {
    const piece = fc.oneof(
      fc.constantFrom('<', '>', '</', '/>', '<a>', '</a>', '<!--', '-->', '<![CDATA[', ']]>', '<?'),
      fc.constantFrom('&', '&#', '&#x110000;', '&#0;', '&lt;', '&a;', ';', '=', '"', "'", ' a="b"'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    )
    const document = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(document, (text) => {
        try {
          expect(parseXml(text).name).not.toBe('')
        } catch (error) {
          expect(error).toMatchObject({ wireCode: 'MalformedXML' })
        }
      }),
      { numRuns: 20_000 },
    )
  })
})
