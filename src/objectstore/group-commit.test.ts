import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IndexDatabase } from './index-database.ts'

let folder: string
let index: IndexDatabase
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-index-'))
  index = IndexDatabase.open(join(folder, 'index.lmdb'))
})
afterEach(async () => {
  await index.close()
  await rm(folder, { recursive: true })
})

test('a change that throws is undone, and those that were committed with it are not', async () => {
  const put = (id: string) => index.change(() => void index.garbage.put(id, true))
  const failing = index.change(() => {
    index.garbage.put('undone', true)
    throw new RangeError('no')
  })
  const outcomes = await Promise.allSettled([put('before'), failing, put('after')])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect([...index.garbage.getKeys()]).toEqual(['after', 'before'])
})

test('changes see those before them, in the order in which they came', async () => {
  const counted = Array.from({ length: 600 }, () =>
    index.change(() => {
      const count = index.garbage.getKeysCount()
      index.garbage.put(String(count).padStart(4, '0'), true)
      return count
    }),
  )
  expect(await Promise.all(counted)).toEqual(counted.map((_, at) => at))
})

test('closing waits for what was begun', async () => {
  const begun = Array.from({ length: 300 }, (_, at) =>
    index.change(() => void index.garbage.put(`${at}`, true)),
  )
  await index.close()
  await Promise.all(begun)
  index = IndexDatabase.open(join(folder, 'index.lmdb'))
  expect(index.garbage.getKeysCount()).toBe(300)
})
