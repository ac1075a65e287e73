import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts'
import { CHECKSUM_AT, PAGE_BYTES, pageChecksum } from './page-checksum.ts'
import { serverAccount } from './server-account.ts'
import { readSystemIdentifier } from './system-identifier.ts'
import { cloneTemplate } from './template.ts'

let folder: string
let installed: PostgresBinaries[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-template-'))
  await chmod(folder, 0o711)
  installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const template = (binaries: PostgresBinaries, password: string) => ({
  binaries,
  superuser: { name: 'rdsadmin', password },
  folder: join(folder, 'templates'),
  account: serverAccount(),
})

test('five clones at once share one template and nothing else', async () => {
  const names = Array.from({ length: 5 }, (_, index) => join(folder, `clone-${index}`))
  await Promise.all(names.map((name) => cloneTemplate(template(installed[0]!, name), name)))
  const identifiers = await Promise.all(names.map(readSystemIdentifier))
  expect(new Set(identifiers).size).toBe(5)
  const roles = await Promise.all(
    names.map((name) => readFile(join(name, 'global', '1260'), 'latin1')),
  )
  expect(new Set(roles).size).toBe(5)
  expect(await readdir(join(folder, 'templates'))).toHaveLength(1)
})

test('every page of a clone has the checksum that we compute for it', async () => {
  for (const binaries of installed) {
    const clone = join(folder, `sums-${binaries.major}`)
    await cloneTemplate(template(binaries, 'x'), clone)
    let pages = 0
    for (const entry of await readdir(clone, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\/(base\/\d+|global)$/.test(entry.parentPath)) continue
      if (!/^\d+(_fsm|_vm|_init)?$/.test(entry.name)) continue
      const bytes = await readFile(join(entry.parentPath, entry.name))
      for (let block = 0; (block + 1) * PAGE_BYTES <= bytes.length; block++) {
        const page = bytes.subarray(block * PAGE_BYTES, (block + 1) * PAGE_BYTES)
        if (page.every((byte) => byte === 0)) continue
        const place = `${entry.name} block ${block}`
        expect([place, pageChecksum(page, block)]).toEqual([place, page.readUInt16LE(CHECKSUM_AT)])
        pages++
      }
    }
    expect(pages).toBeGreaterThan(2_000)
  }
})

test('initdb that fails says why, and leaves no template', async () => {
  const broken = { ...template(installed[0]!, 'x'), folder: join(folder, 'broken') }
  const superuser = { name: 'pg_reserved', password: 'x' }
  await expect(
    cloneTemplate({ ...broken, superuser }, join(folder, 'never')),
  ).rejects.toMatchObject({
    code: 'PostgresFailed',
    message: expect.stringContaining('pg_'),
  })
  expect(await readdir(join(folder, 'broken'))).toEqual([])
  expect(await readdir(folder)).not.toContain('never')
})
