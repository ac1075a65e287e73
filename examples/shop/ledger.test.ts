import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shop-ledger-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a line is in the file when its append resolves', async () => {
  const file = join(folder, 'orders.jsonl')
  const ledger = await Ledger.open(file)
  await ledger.append({ id: '1' })
  expect(readFileSync(file, 'utf8')).toBe('{"id":"1"}\n')
  await ledger.close()
})

test('lines that arrive together keep their order, each once', async () => {
  const file = join(folder, 'orders.jsonl')
  const ledger = await Ledger.open(file)
  await Promise.all(Array.from({ length: 200 }, (_, id) => ledger.append({ id })))
  await ledger.close()
  const ids = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id)
  expect(ids).toEqual(Array.from({ length: 200 }, (_, id) => id))
})

test('goes on in a file that is there', async () => {
  const file = join(folder, 'orders.jsonl')
  for (const id of [1, 2]) {
    const ledger = await Ledger.open(file)
    await ledger.append({ id })
    await ledger.close()
  }
  expect(readFileSync(file, 'utf8')).toBe('{"id":1}\n{"id":2}\n')
})
