import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CHECKSUM_AT, PAGE_BYTES, pageChecksum } from '../page-checksum.ts'
import { BLOCKS_PER_SEGMENT } from './changed-blocks.ts'
import { StoreWork } from './store-session.ts'

/** Pages as a relation has them from `firstBlock` on. */
function pages(count: number, firstBlock: number): Buffer {
  const bytes = Buffer.alloc(count * PAGE_BYTES, 'rows ')
  for (let index = 0; index < count; index++) {
    const page = bytes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)
    page.writeUInt16LE(64, 14)
    page.writeUInt16LE(pageChecksum(page, firstBlock + index), CHECKSUM_AT)
  }
  return bytes
}

test('in the second gigabyte of a relation, pages are known by their place in the relation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-store-'))
  await mkdir(join(folder, 'base', '5'), { recursive: true })
  const right = pages(40, BLOCKS_PER_SEGMENT)
  right[7 * PAGE_BYTES + 5000]! ^= 1
  await writeFile(join(folder, 'base', '5', '16394.1'), right)

  const work = await StoreWork.begin({
    kind: 'store',
    packPath: join(folder, 'pack'),
    packName: 'pack',
    dataDirectory: folder,
    key: undefined,
    hasPageChecksums: true,
  })
  const { warnings, lengths } = await work.do([
    {
      file: 0,
      path: 'base/5/16394.1',
      content: 'pages',
      blocksBefore: BLOCKS_PER_SEGMENT,
      firstBlock: 0,
      blockCount: 40,
    },
  ])
  await work.end()
  expect(warnings).toEqual(['base/5/16394.1 block 7'])
  expect(lengths).toEqual([[0, 40 * PAGE_BYTES]])
  await rm(folder, { recursive: true })
})
