import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { thisProcess } from '../postgres/process-identity.ts'
import { FolderLock, findHolder } from './folder-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-lock-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('has one owner, whom the second one is told', async () => {
  const lock = await FolderLock.acquire(folder)
  await expect(FolderLock.acquire(folder)).rejects.toMatchObject({
    code: 'AlreadyRunning',
    message: `process ${process.pid} owns '${folder}'`,
  })
  await lock.release()
  await (await FolderLock.acquire(folder)).release()
  expect(await readdir(folder)).toEqual([])
})

test('is taken over from a process that no longer runs, though its number is in use', async () => {
  const former = { ...thisProcess(), startedTicks: 1 }
  await writeFile(join(folder, 'lock.7'), JSON.stringify(former))
  expect(await findHolder(folder)).toBeUndefined()
  await FolderLock.acquire(folder)
  expect(await findHolder(folder)).toEqual(thisProcess())
})

test('is taken over from before the machine was started', async () => {
  const former = { ...thisProcess(), bootId: 'another' }
  await writeFile(join(folder, 'lock.7'), JSON.stringify(former))
  await FolderLock.acquire(folder)
})

test('goes to one of many who take it over at once', async () => {
  for (let round = 0; round < 30; round += 1) {
    const former = { ...thisProcess(), startedTicks: 1 }
    await writeFile(join(folder, 'lock.7'), JSON.stringify(former))
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, () => FolderLock.acquire(folder)),
    )
    const won = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
    expect(won).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['lock.8'])
    await won[0]!.release()
  }
})
