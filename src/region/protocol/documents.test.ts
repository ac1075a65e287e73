import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DocumentStore } from './documents.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-documents-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('documents are there after the store was opened again', async () => {
  const store = await DocumentStore.open(folder)
  await store.put('things', 'a/../b', { n: 1 })
  await store.put('things', '__proto__', { n: 2 })
  await store.put('things', 'gone', { n: 3 })
  await store.delete('things', 'gone')

  const again = await DocumentStore.open(folder)
  expect(again.get('things', 'a/../b')).toEqual({ n: 1 })
  expect(again.list('things')).toEqual([{ n: 2 }, { n: 1 }])
  expect(again.get('things', 'gone')).toBeUndefined()
  expect(again.get('none', 'a')).toBeUndefined()
})

test('a document that was read is a copy', async () => {
  const store = await DocumentStore.open(folder)
  const document = { list: [1] }
  await store.put('things', 'a', document)
  document.list.push(2)
  store.get<typeof document>('things', 'a')!.list.push(3)
  expect(store.get('things', 'a')).toEqual({ list: [1] })
})

test('the last of many writes to one key stays, in memory and on disk', async () => {
  const store = await DocumentStore.open(folder)
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.put('things', 'a', { n })))
  expect(store.get('things', 'a')).toEqual({ n: 49 })
  expect((await DocumentStore.open(folder)).get('things', 'a')).toEqual({ n: 49 })
  expect(await readdir(join(folder, 'things'))).toHaveLength(1)
})

test('files are for their owner alone', async () => {
  const store = await DocumentStore.open(folder)
  await store.put('things', 'a', {})
  const [file] = await readdir(join(folder, 'things'))
  expect((await stat(join(folder, 'things'))).mode & 0o777).toBe(0o700)
  expect((await stat(join(folder, 'things', file!))).mode & 0o777).toBe(0o600)
})

test('what a killed process left half-written is dropped, what is damaged is named', async () => {
  const store = await DocumentStore.open(folder)
  await store.put('things', 'a', { n: 1 })
  const [file] = await readdir(join(folder, 'things'))
  const path = join(folder, 'things', file!)
  await writeFile(`${path}.1.tmp`, '{"key":"a","docu')
  expect((await DocumentStore.open(folder)).get('things', 'a')).toEqual({ n: 1 })
  expect(await readdir(join(folder, 'things'))).toEqual([file])

  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 9))
  await expect(DocumentStore.open(folder)).rejects.toMatchObject({
    code: 'StateDamaged',
    message: expect.stringContaining(path),
  })
})

test('a write that fails leaves the former document', async () => {
  const store = await DocumentStore.open(folder)
  await store.put('things', 'a', { n: 1 })
  await rm(join(folder, 'things'), { recursive: true })
  await writeFile(join(folder, 'things'), 'in the way')
  await expect(store.put('things', 'a', { n: 2 })).rejects.toMatchObject({
    code: 'FolderNotUsable',
  })
  expect(store.get('things', 'a')).toEqual({ n: 1 })
})

/** A file system of 256 KiB, where this account may mount one. */
function mounted(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

test('a full disk is named, keeps the former document, and is no trouble once there is room', async (context) => {
  if (!mounted(folder)) return context.skip('skipped: needs the right to mount')
  try {
    const store = await DocumentStore.open(folder)
    await store.put('things', 'a', { n: 1 })
    await writeFile(join(folder, 'filler'), Buffer.alloc(512 * 1024)).catch((error) => {
      expect(error.code).toBe('ENOSPC')
    })
    const large = { text: 'x'.repeat(9000) }
    await expect(store.put('things', 'a', large)).rejects.toMatchObject({ code: 'DiskFull' })
    expect((await DocumentStore.open(folder)).get('things', 'a')).toEqual({ n: 1 })
    expect(await readdir(join(folder, 'things'))).toHaveLength(1)

    await rm(join(folder, 'filler'))
    await store.put('things', 'a', large)
    expect((await DocumentStore.open(folder)).get('things', 'a')).toEqual(large)
  } finally {
    execFileSync('umount', [folder])
  }
})

test('a folder without rights is named', async (context) => {
  if (process.getuid?.() === 0) context.skip('skipped: needs an account that is not root')
  await chmod(folder, 0o000)
  await expect(DocumentStore.open(folder)).rejects.toMatchObject({ code: 'FolderNotUsable' })
  await chmod(folder, 0o700)
})
