import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Vault } from '../../src/postgres/vault/vault.ts'
import { archived, contentOf, damageIn, ProtectedClusters } from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('compaction')
})
afterAll(() => clusters.close())

async function packsOf(name: string): Promise<Map<string, number>> {
  const folder = join(clusters.protectionFolder(name), 'vault', 'packs')
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (pack) => (await stat(join(folder, pack))).size))
  return new Map(names.map((pack, index) => [pack, sizes[index]!]))
}

function sumOf(packs: ReadonlyMap<string, number>): number {
  return [...packs.values()].reduce((sum, size) => sum + size, 0)
}

test.each([
  ['plain', undefined],
  ['encrypted', Buffer.alloc(32, 5)],
])(
  'weeks of incrementals do not make a vault grow without end: %s',
  async (name, encryptionKey) => {
    const source = await clusters.start(name, { encryptionKey })
    const { cluster, protection, sql } = source
    await sql.query(`
    create table t as select i, md5(i::text) || md5((i + 1)::text) h, 0 as day from generate_series(1, 60000) i;
    create unique index on t (i)`)
    const full = await protection.backUp()
    for (let day = 1; day <= 8; day++) {
      // Pages all over the table, so that every old frame keeps some that are still needed.
      await sql.query(
        `update t set h = md5(h) || md5(h || 'x'), day = ${day} where i % 8 = ${day % 8}`,
      )
      await sql.query('vacuum t')
      await protection.backUp()
    }
    const before = sumOf(await packsOf(name))
    const kept = protection.backups().slice(-2)
    await protection.expire({ keepFrom: kept[0]!.completedAt })

    expect(protection.backups().map(({ id }) => id)).toEqual(kept.map(({ id }) => id))
    const after = sumOf(await packsOf(name))
    expect(after).toBeLessThan(before / 2)
    expect(after).toBeLessThan(full.storedBytes * 2)
    expect((await protection.verify()).faults).toEqual([])

    // What was copied restores, and a backup that builds on it too.
    const content = await contentOf(cluster)
    const atLast = await clusters.restore(protection, `${name}-last`, { backup: kept[1]!.id })
    expect(await contentOf(atLast.cluster)).toEqual(content)
    expect(await damageIn(atLast.cluster)).toEqual([])
    await sql.query('update t set day = 100 where i < 50; create table u as select 1 a')
    expect((await protection.backUp()).kind).toBe('incremental')
    await archived(source)
    const latest = await clusters.restore(protection, `${name}-latest`, 'latest')
    expect(await contentOf(latest.cluster)).toEqual(await contentOf(cluster))
    const again = await packsOf(name)
    await protection.expire({ keepFrom: kept[0]!.completedAt })
    expect(await packsOf(name)).toEqual(again)
  },
)

test('a backup interrupts a compaction, which leaves nothing and is done the next time', async () => {
  const source = await clusters.start('interrupted')
  const { protection, sql } = source
  await sql.query('create table t as select i, md5(i::text) h from generate_series(1, 200000) i')
  await protection.backUp()
  await sql.query('update t set h = md5(h)')
  await sql.query('vacuum full t')
  const second = await protection.backUp()

  const [, third] = await Promise.all([
    protection.expire({ keepFrom: second.completedAt }),
    protection.backUp(),
  ])
  expect(protection.backups().map(({ id }) => id)).toEqual([second.id, third.id])
  expect((await protection.verify()).faults).toEqual([])
  await protection.expire({ keepFrom: second.completedAt })
  expect((await protection.verify()).faults).toEqual([])
  const content = await contentOf(source.cluster)
  for (const { id } of [second, third]) {
    const copy = await clusters.restore(protection, `interrupted-${id}`, { backup: id })
    expect(await contentOf(copy.cluster)).toEqual(content)
  }
})

test('a backup that is deleted while it is restored goes when the restore has ended', async () => {
  const source = await clusters.start('readers')
  const { protection, sql } = source
  await sql.query('create table t as select i, md5(i::text) h from generate_series(1, 200000) i')
  const first = await protection.backUp()
  await protection.backUp({ kind: 'full' })
  await protection.close()

  const vault = await Vault.open({
    folder: join(clusters.protectionFolder('readers'), 'vault'),
    clock: systemClock,
  })
  let isDeleted = false
  await vault.restore({
    backup: first.id,
    into: join(clusters.folder, 'readers-files'),
    onProgress: () => {
      if (!isDeleted) vault.delete([first.id])
      isDeleted = true
    },
  })
  expect(isDeleted).toBe(true)
  expect((await vault.list()).map(({ id }) => id)).not.toContain(first.id)
  const packs = await readdir(join(clusters.protectionFolder('readers'), 'vault', 'packs'))
  expect(packs.filter((pack) => pack.startsWith(first.id))).toEqual([])
})
