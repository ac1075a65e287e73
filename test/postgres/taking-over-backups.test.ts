import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Protection } from '../../src/postgres/protection.ts'
import type { BackupSupply } from '../../src/postgres/transfer/backup-supply.ts'
import {
  archived,
  contentOf,
  damageIn,
  type Protected,
  ProtectedClusters,
  until,
} from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters
const KEY = Buffer.alloc(32, 5)
const OTHER_KEY = Buffer.alloc(32, 6)

beforeAll(async () => {
  clusters = await ProtectedClusters.open('taking-over')
})
afterAll(() => clusters.close())

const never = new AbortController().signal

async function open(name: string, encryptionKey?: Buffer): Promise<Protection> {
  const folder = join(clusters.folder, name)
  const protection = await Protection.open({ folder, clock: systemClock, encryptionKey })
  clusters.closeLater(() => protection.close())
  return protection
}

async function filled(name: string, encryptionKey?: Buffer): Promise<Protected> {
  const source = await clusters.start(name, { encryptionKey })
  await source.sql.query(
    'create table t as select i, md5(i::text) h, repeat(md5(i::text), 4) filler from generate_series(1, 50000) i',
  )
  return source
}

const serverTime = async ({ sql }: Protected) => {
  const [row] = await sql.query(
    'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint ms',
  )
  return new Date(Number(row!.ms))
}

/** The supply, cut off after so many bytes of packs, as by a connection that is lost. */
function cutAfter(supply: BackupSupply, bytes: number): BackupSupply {
  let left = bytes
  return {
    describe: (signal) => supply.describe(signal),
    manifest: (backup, signal) => supply.manifest(backup, signal),
    wal: (stretch, signal) => supply.wal(stretch, signal),
    async *pack(pack, from, signal) {
      for await (const piece of supply.pack(pack, from, signal)) {
        left -= piece.length
        if (left < 0) throw new Error('the connection is lost')
        yield piece
      }
    },
  }
}

describe('a backup is taken over', () => {
  test.each([
    ['without encryption', undefined, undefined],
    ['encrypted under another key', KEY, OTHER_KEY],
    ['encrypted on arrival', undefined, OTHER_KEY],
  ])('%s, and restores when its source is gone', async (what, key, otherKey) => {
    const name = what.replaceAll(' ', '-')
    const source = await filled(name, key)
    await source.protection.backUp()
    await source.sql.query("update t set h = 'x' where i % 7 = 0")
    const { id } = await source.protection.backUp()
    const content = await contentOf(source.cluster)
    await source.sql.query('delete from t')

    const there = await open(`${name}-copy`, otherKey)
    const supply = source.protection.supply()
    const progress: number[] = []
    const received = await there.receive(supply, id, {
      signal: never,
      onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
    })
    expect(received).toMatchObject({ id, encrypted: otherKey !== undefined })
    expect(progress.at(-1)).toBe(1)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    await source.protection.close()
    expect((await there.verify()).faults).toEqual([])
    const copy = await clusters.restore(there, `${name}-restored`, { backup: id })
    expect(await contentOf(copy.cluster)).toEqual(content)
    expect(await damageIn(copy.cluster)).toEqual([])
  })

  test('goes on where it was, after the connection and after a crash', async () => {
    const source = await filled('interrupted', KEY)
    const { id } = await source.protection.backUp()
    const folder = join(clusters.folder, 'interrupted-copy')
    const supply = source.protection.supply()
    let sent = 0
    const counting: BackupSupply = {
      describe: (signal) => supply.describe(signal),
      manifest: (backup, signal) => supply.manifest(backup, signal),
      wal: (stretch, signal) => supply.wal(stretch, signal),
      async *pack(pack, from, signal) {
        for await (const piece of supply.pack(pack, from, signal)) {
          sent += piece.length
          yield piece
        }
      },
    }
    for (const bytes of [400_000, 800_000]) {
      const there = await open('interrupted-copy', OTHER_KEY)
      const attempt = there.receive(cutAfter(counting, bytes), id, { signal: never })
      await expect(attempt).rejects.toThrow('the connection is lost')
      expect(there.backups()).toEqual([])
      await there.close()
    }
    const arriving = (await readdir(join(folder, 'vault', 'packs'))).map((name) =>
      stat(join(folder, 'vault', 'packs', name)),
    )
    const held = (await Promise.all(arriving)).reduce((sum, { size }) => sum + size, 0)
    expect(held).toBeGreaterThan(800_000)
    const there = await open('interrupted-copy', OTHER_KEY)
    await there.receive(counting, id, { signal: never })
    const stored = await source.protection.storedBytes()
    expect(sent).toBeLessThan(stored * 1.3)
    expect((await there.verify()).faults).toEqual([])
    await clusters.restore(there, 'interrupted-restored', { backup: id })
  })

  test('never with a byte that is another one', async () => {
    const source = await filled('flipped')
    const { id } = await source.protection.backUp()
    const supply = source.protection.supply()
    const there = await open('flipped-copy')
    const flipping: BackupSupply = {
      describe: (signal) => supply.describe(signal),
      manifest: (backup, signal) => supply.manifest(backup, signal),
      wal: (stretch, signal) => supply.wal(stretch, signal),
      async *pack(pack, from, signal) {
        for await (const piece of supply.pack(pack, from, signal)) {
          const copy = Buffer.from(piece)
          copy[copy.length >> 1]! ^= 4
          yield copy
        }
      },
    }
    const attempt = there.receive(flipping, id, { signal: never })
    await expect(attempt).rejects.toMatchObject({ code: 'VaultDamaged' })
    expect(there.backups()).toEqual([])
    await there.receive(supply, id, { signal: never })
    expect((await there.verify()).faults).toEqual([])
  })
})

describe('backups are followed', () => {
  test('to the exact moment, with new base backups, through interruptions, after the source is gone', async () => {
    const source = await filled('followed', KEY)
    await source.protection.backUp()
    const there = await open('followed-copy', OTHER_KEY)
    const supply = source.protection.supply()
    let follower = there.follow(supply)
    follower.start()
    const untilRestorable = (when: Date) =>
      until(() => (there.latestRestorableTime() ?? new Date(0)) >= when, 'it is restorable there')
    await source.sql.query('create table ledger (n int)')
    await source.sql.query('insert into ledger select generate_series(1, 100)')
    const before = await serverTime(source)
    await systemClock.sleep(20)
    await source.sql.query('insert into ledger select generate_series(101, 200)')
    await untilRestorable(before)

    await follower.stop()
    const missed = await source.protection.backUp()
    await source.sql.query('insert into ledger select generate_series(201, 300)')
    follower = there.follow(supply)
    follower.start()
    await until(() => there.backups().length === 2, 'the second base backup is there')
    expect(there.backups().at(-1)?.id).toBe(missed.id)
    const after = await serverTime(source)
    await systemClock.sleep(20)
    await source.sql.query('delete from ledger')
    await archived(source)
    await untilRestorable(after)
    expect(follower.status()).toMatchObject({ isConnected: true, problem: undefined })
    await source.protection.close()
    await source.cluster.kill()
    await follower.stop()

    expect((await there.verify()).faults).toEqual([])
    expect(there.restoreWindows()).toHaveLength(1)
    for (const [name, time, count] of [
      ['early', before, '100'],
      ['late', after, '300'],
    ] as const) {
      const copy = await clusters.restore(there, `followed-${name}`, { time })
      const [row] = await copy.sql.query('select count(*) n from ledger')
      expect(row).toEqual({ n: count })
      expect(await damageIn(copy.cluster)).toEqual([])
      await copy.cluster.stop()
    }
  })

  test('across WAL that the source no longer had', async () => {
    const source = await filled('expired')
    await source.protection.backUp()
    const there = await open('expired-copy')
    const supply = source.protection.supply()
    const first = there.follow(supply)
    first.start()
    await until(() => there.backups().length === 1, 'the base backup is there')
    await first.stop()
    for (let i = 0; i < 3; i++) {
      await source.sql.query(
        "select pg_logical_emit_message(true, 'x', 'x'); select pg_switch_wal()",
      )
    }
    await source.protection.backUp()
    await source.protection.expire({ keepFrom: new Date(Date.now() + 1000) })
    const follower = there.follow(supply)
    let gaps = 0
    follower.on('gap', () => {
      gaps += 1
    })
    follower.start()
    await until(() => there.restoreWindows().length === 2, 'there are two windows')
    await follower.stop()
    expect(gaps).toBe(1)
    expect(there.gaps()).toHaveLength(1)
    const [row] = await source.sql.query('select count(*) n from t')
    const copy = await clusters.restore(there, 'expired-restored', 'latest')
    expect(await copy.sql.query('select count(*) n from t')).toEqual([row])
  })
})
