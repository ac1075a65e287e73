import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Manifest } from './manifest.ts'
import { provenBytes } from './proven-bytes.ts'

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const part = (text: string, index: number) => ({
  number: index + 1,
  sizeBytes: text.length,
  etag: md5(text),
  attributes: {},
})

function manifest(texts: readonly string[], isInParts: boolean): Manifest {
  return {
    ...{ kind: 'object', versionId: '', modifiedAtMs: 0, attributes: {}, tags: {} },
    ...{ retention: undefined, hasLegalHold: false },
    etag: isInParts ? `anything-${texts.length}` : md5(texts.join('')),
    sizeBytes: texts.join('').length,
    parts: isInParts ? texts.map(part) : undefined,
  }
}

async function read(pieces: readonly string[], wanted: Manifest): Promise<string> {
  async function* body() {
    for (const piece of pieces) yield Buffer.from(piece)
  }
  const got: Buffer[] = []
  for await (const piece of provenBytes(body(), wanted)) got.push(piece)
  return Buffer.concat(got).toString()
}

describe('provenBytes', () => {
  test.each([
    [['whole'], false, ['wh', 'ole']],
    [[''], false, []],
    [['one', 'two', ''], true, ['on', 'etw', 'o']],
    [['one', 'two'], true, ['onetwo']],
  ])('passes %j on', async (texts, isInParts, pieces) => {
    expect(await read(pieces, manifest(texts, isInParts))).toBe(texts.join(''))
  })

  test.each([
    [['whole'], false, ['whol'], 'more bytes'],
    [['whole'], false, ['wholes'], 'fewer bytes'],
    [['whole'], false, ['whale'], 'not those'],
    [['one', 'two'], true, ['one'], 'more bytes'],
    [['one', 'two'], true, ['twoone'], 'not those'],
    [['one', 'two'], true, ['onetwo', '!'], 'fewer bytes'],
  ])('refuses %j as %j of %j', async (texts, isInParts, pieces, message) => {
    await expect(read(pieces, manifest(texts, isInParts))).rejects.toThrow(message)
  })
})
