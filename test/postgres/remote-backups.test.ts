import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Protectable } from '../../src/postgres/protection.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import { archived, contentOf, damageIn, ProtectedClusters } from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('remote')
})
afterAll(() => clusters.close())

/** The same server as one whose files are out of reach. */
function remote({ cluster }: { cluster: Protectable }): Protectable {
  return { major: cluster.major, target: () => cluster.target() }
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('a server that is reached only over the wire is backed up and restored', async (context) => {
    if (!clusters.binaries(major)) return context.skip(`needs PostgreSQL ${major}`)
    const name = `remote${major}`
    const source = await clusters.start(name, { major, encryptionKey: Buffer.alloc(32, 3) })
    const { cluster, protection, sql } = source
    await protection.detach()
    await protection.attach(remote(source))
    const location = join(clusters.folder, `${name}-tablespace`)
    await mkdir(location)
    await giveTo(location, serverAccount())
    await sql.query(`create tablespace elsewhere location '${location}'`)
    await sql.query(
      'create table t as select i, md5(i::text) h, repeat(md5(i::text), 4) filler from generate_series(1, 100000) i',
    )
    await sql.query('create table far tablespace elsewhere as select generate_series(1, 1000) i')
    await sql.query('create unlogged table unlogged as select 1 a')
    await sql.query('create table none (i int)')
    await sql.query('create database other')
    const days = [{ backup: await protection.backUp(), content: await contentOf(cluster) }]

    await sql.query("update t set h = 'x' where i % 2000 = 0")
    await sql.query('insert into none values (1); truncate far; insert into far values (7)')
    await sql.query('drop database other')
    days.push({ backup: await protection.backUp(), content: await contentOf(cluster) })
    await sql.query('delete from t where i > 50000')
    await sql.query('vacuum t')
    days.push({ backup: await protection.backUp(), content: await contentOf(cluster) })

    expect(days.map(({ backup }) => backup.kind)).toEqual(['full', 'incremental', 'incremental'])
    expect(days[1]!.backup.storedBytes).toBeLessThan(days[0]!.backup.storedBytes / 2)
    expect(days.flatMap(({ backup }) => backup.warnings)).toEqual([])
    expect((await protection.verify()).faults).toEqual([])
    for (const [day, { backup, content }] of days.entries()) {
      const to = { backup: backup.id }
      const copy = await clusters.restore(protection, `${name}-day${day}`, to, major)
      expect(await contentOf(copy.cluster)).toEqual(content)
      expect(await copy.sql.query('select count(*) n from unlogged')).toEqual([{ n: '0' }])
      expect(await damageIn(copy.cluster)).toEqual([])
      await copy.cluster.stop()
    }

    // The same vault goes on with the files at hand.
    await protection.detach()
    await protection.attach(cluster)
    await sql.query('insert into none values (2)')
    expect((await protection.backUp()).kind).toBe('incremental')
    await archived(source)
    const copy = await clusters.restore(protection, `${name}-mixed`, 'latest', major)
    expect(await contentOf(copy.cluster)).toEqual(await contentOf(cluster))
    await copy.cluster.stop()
    await cluster.stop()
  })
})

test('over the wire too, pages that are damaged in the source are named', async () => {
  const source = await clusters.start('pages')
  await source.sql.query(
    'create table t as select i, md5(i::text) from generate_series(1, 20000) i; checkpoint',
  )
  const [row] = await source.sql.query("select pg_relation_filepath('t') as path")
  await source.protection.detach()
  await source.cluster.stop()
  const file = await open(join(source.cluster.dataDirectory, row!.path!), 'r+')
  await file.write(Buffer.from('damage'), 0, 6, 3 * 8192 + 5000)
  await file.close()
  await source.cluster.start()
  await source.protection.attach(remote(source))

  const backup = await source.protection.backUp()
  expect(backup.warnings).toEqual([`${row!.path} block 3`])
})
