import { createHash, randomInt } from 'node:crypto'
import { copyFile, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { BaseBackup } from '../../src/postgres/vault/manifest.ts'
import { Vault } from '../../src/postgres/vault/vault.ts'
import { archived, contentOf, ProtectedClusters } from '../harness/protected-cluster.ts'

/** How many bits are flipped, one at a time. LIFEBOAT_FULL=1 flips as many as the project promises. */
const FLIPS = process.env.LIFEBOAT_FULL ? 200 : 10
const CANARY = 'correct-horse-battery-staple'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('damage')
})
afterAll(() => clusters.close())

/** A protection with a full backup, two incrementals and some WAL, closed, and its cluster gone. */
async function storedBackups(name: string, encryptionKey?: Buffer) {
  const source = await clusters.start(name, { encryptionKey })
  const { cluster, protection, sql } = source
  await sql.query(
    `create table t as select i, md5(i::text) h, '${CANARY}' c from generate_series(1, 100000) i`,
  )
  const backups = [await protection.backUp()]
  for (let round = 1; round <= 2; round++) {
    await sql.query(`update t set h = md5(h) where i % 10000 < ${round * 100}`)
    backups.push(await protection.backUp())
  }
  await sql.query('select pg_switch_wal(); create table after as select 1 a')
  await archived(source)
  const content = await contentOf(cluster)
  await protection.close()
  await cluster.kill()
  return { folder: clusters.protectionFolder(name), backups, content }
}

async function filesIn(folder: string): Promise<{ path: string; size: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name))
  return Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })))
}

async function flipBit(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 1 << randomInt(8)
  await file.write(byte, 0, 1, at)
  await file.close()
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const { path } of (await filesIn(folder)).sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(path.slice(folder.length)).update(await readFile(path))
  }
  return hash.digest('hex')
}

/** What restoring each backup's files gives: a hash, or the code of its refusal. */
async function restoreAll(vaultFolder: string, backups: readonly BaseBackup[]): Promise<string[]> {
  const vault = await Vault.open({ folder: vaultFolder, clock: systemClock })
  const results: string[] = []
  for (const { id } of backups) {
    const into = join(clusters.folder, 'restored-files')
    try {
      await vault.restore({ backup: id, into })
      results.push(await hashOf(into))
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error
      results.push(error.code)
    } finally {
      await rm(into, { recursive: true, force: true })
    }
  }
  return results
}

test('every flipped bit is found by verify, with its file, and none is restored', async () => {
  const { folder, backups } = await storedBackups('flips')
  const sound = await clusters.protect('flips')
  expect((await sound.verify()).faults).toEqual([])
  await sound.close()
  const vaultFolder = join(folder, 'vault')
  const expected = await restoreAll(vaultFolder, backups)
  expect(new Set(expected).size).toBe(backups.length)

  let files = await filesIn(folder)
  for (let flip = 0; flip < FLIPS; flip++) {
    // As many in each file, small or large, and then by size.
    const file = flip < files.length ? files[flip]! : files[weighted(files.map((one) => one.size))]!
    const at = randomInt(file.size)
    const opened = await clusters.protect('flips')
    await copyFile(file.path, join(clusters.folder, 'kept'))
    await flipBit(file.path, at)
    const place = `bit of byte ${at} of ${file.path}`

    const { faults } = await opened.verify()
    expect(
      faults.map((fault) => fault.file),
      place,
    ).toContain(file.path)
    await opened.close()
    if (file.path.startsWith(vaultFolder)) {
      const results = await restoreAll(vaultFolder, backups)
      const refused = results.filter((code) => /^(VaultDamaged|BackupNotFound)$/.test(code))
      expect(refused.length, place).toBeGreaterThan(0)
      for (const [index, result] of results.entries()) {
        if (!refused.includes(result)) expect(result, place).toBe(expected[index])
      }
    }
    await copyFile(join(clusters.folder, 'kept'), file.path)
    files = files.filter(({ size }) => size > 0)
  }
}, 600_000)

function weighted(sizes: readonly number[]): number {
  let rest = randomInt(sizes.reduce((sum, size) => sum + size, 0))
  return sizes.findIndex((size) => {
    rest -= size
    return rest < 0
  })
}

test('a damaged manifest costs its backup and nothing else', async () => {
  const { folder, backups } = await storedBackups('manifest')
  const damagedPath = join(folder, 'vault', 'manifests', `${backups[1]!.id}.manifest`)
  await flipBit(damagedPath, 100)
  const packs = await readdir(join(folder, 'vault', 'packs'))

  const protection = await clusters.protect('manifest')
  expect(protection.backups().map(({ id }) => id)).toEqual([backups[0]!.id, backups[2]!.id])
  expect((await protection.verify()).faults).toMatchObject([{ file: damagedPath, offset: 0 }])
  await protection.expire({ keepFrom: new Date() })
  // What the damaged one needs is not known, so all packs stay.
  expect(await readdir(join(folder, 'vault', 'packs'))).toEqual(packs)
  const copy = await clusters.restore(protection, 'manifest-copy', 'latest')
  await copy.cluster.stop()
})

test('packs that are missing, cut off, too long or exchanged are found', async () => {
  const { folder, backups } = await storedBackups('packs')
  const packs = join(folder, 'vault', 'packs')
  const largest = (await filesIn(packs)).sort((a, b) => b.size - a.size)
  const [pack, other] = largest.map(({ path }) => path) as [string, string]
  const whole = await readFile(pack)
  const spoil = [
    () => rm(pack),
    () => truncate(pack, whole.length - 1000),
    () => writeFile(pack, Buffer.concat([whole, Buffer.from('more')])),
    () => copyFile(other, pack),
    () => writeFile(pack, Buffer.concat([whole.subarray(1000), whole.subarray(0, 1000)])),
  ]
  for (const [index, how] of spoil.entries()) {
    await how()
    const protection = await clusters.protect('packs')
    expect((await protection.verify()).faults.map(({ file }) => file)).toContain(pack)
    // Bytes behind the last frame harm no restore.
    const results = await restoreAll(join(folder, 'vault'), backups.slice(0, 1))
    if (index !== 2) expect(results).toEqual(['VaultDamaged'])
    await protection.close()
    await writeFile(pack, whole)
  }
})

test('a restore that meets damage leaves nothing behind, and the next backup trusts nothing', async () => {
  const source = await clusters.start('meets')
  await source.sql.query(
    'create table t as select i, md5(i::text) from generate_series(1, 100000) i',
  )
  await source.protection.backUp()
  const [pack] = (await filesIn(join(clusters.protectionFolder('meets'), 'vault', 'packs'))).sort(
    (a, b) => b.size - a.size,
  )
  await flipBit(pack!.path, Math.floor(pack!.size / 2))

  await expect(clusters.restore(source.protection, 'met', 'latest')).rejects.toMatchObject({
    code: 'VaultDamaged',
    message: expect.stringMatching(/pack' is damaged at offset \d+/),
  })
  expect(await readdir(join(clusters.folder, 'met'))).toEqual([])
  expect((await source.protection.backUp()).kind).toBe('full')
  await archived(source)
  const copy = await clusters.restore(source.protection, 'met', 'latest')
  expect(await contentOf(copy.cluster)).toEqual(await contentOf(source.cluster))
})

test('pages that are damaged in the source are named, and the backup is taken all the same', async () => {
  const source = await clusters.start('pages')
  await source.sql.query(
    'create table t as select i, md5(i::text) from generate_series(1, 20000) i; checkpoint',
  )
  const [row] = await source.sql.query("select pg_relation_filepath('t') as path")
  await source.cluster.stop()
  const path = join(source.cluster.dataDirectory, row!.path!)
  for (const block of [3, 41]) await flipBit(path, block * 8192 + 5000)
  await source.cluster.start()

  const backup = await source.protection.backUp()
  expect(backup.warnings).toEqual([`${row!.path} block 3`, `${row!.path} block 41`])
})

test('an encrypted vault shows nothing of what it holds, and opens with its key only', async () => {
  const key = Buffer.alloc(32, 7)
  const { folder, content } = await storedBackups('secret', key)
  for (const { path } of await filesIn(folder)) {
    const bytes = await readFile(path)
    expect(bytes.includes(CANARY), path).toBe(false)
    expect(bytes.includes('"startLsn"'), path).toBe(false)
  }
  await expect(clusters.protect('secret', Buffer.alloc(32, 8))).rejects.toMatchObject({
    code: 'VaultKeyWrong',
  })
  const protection = await clusters.protect('secret', key)
  expect((await protection.verify()).faults).toEqual([])
  const copy = await clusters.restore(protection, 'secret-copy', 'latest')
  expect(await contentOf(copy.cluster)).toEqual(content)
})
