import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { isHalfRestored } from '../../src/postgres/restore-cluster.ts'
import { endOrphans } from '../../src/postgres/server-processes.ts'
import {
  contentOf,
  damageIn,
  ProtectedClusters,
  superuser,
  until,
} from '../harness/protected-cluster.ts'

const KILLS = process.env.LIFEBOAT_FULL ? 50 : 8

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('killed')
})
afterAll(() => clusters.close())

test('killed at any moment of a backup, a compaction or a restore, it lists only what is whole', async () => {
  const name = 'killed'
  const source = await clusters.start(name)
  const { cluster, sql } = source
  await source.protection.close()
  await sql.query('create table t as select i, md5(i::text) h from generate_series(1, 150000) i')
  const into = join(clusters.folder, 'killed-copy', 'data')
  const folder = clusters.protectionFolder(name)
  const { dataDirectory, major } = cluster
  const task = { folder, into, dataDirectory, major, target: cluster.target(), superuser }
  const program = fileURLToPath(new URL('./busy-protection.mjs', import.meta.url))
  const listed = new Set<string>()

  for (let kill = 0; kill < KILLS; kill++) {
    const argument = JSON.stringify({ ...task, binaries: clusters.binaries() })
    const child = spawn(process.execPath, [program, argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    await until(() => output.includes('\n') || child.exitCode !== null, 'it has taken a backup')
    const writing = sql.query(`update t set h = md5(h) where i % 50 = ${kill}`)
    await new Promise((resolve) => setTimeout(resolve, randomInt(2_500)))
    expect(child.exitCode, 'it must be alive to be killed').toBe(null)
    child.kill('SIGKILL')
    await ended
    await writing

    // What it had restored whole is a cluster like any other, which the next restore rightly leaves alone.
    if (existsSync(into) && !(await isHalfRestored(into))) {
      await endOrphans(into, systemClock)
      await rm(into, { recursive: true })
    }
    const protection = await clusters.protect(name)
    expect((await protection.verify()).faults).toEqual([])
    const backups = protection.backups()
    const told = output.split('\n').filter((line) => line !== '')
    // The newest that was told of is never lost, and every one that is listed restores.
    expect(backups.map(({ id }) => id)).toContain(told.at(-1))
    const id = backups[randomInt(backups.length)]!.id
    const copy = await protection.restore({
      to: { backup: id },
      into,
      binaries: clusters.binaries()!,
      superuser,
    })
    const [row] = await (await clusters.connect(copy)).query('select count(*) n from t')
    expect(row).toEqual({ n: '150000' })
    await copy.kill()
    await rm(into, { recursive: true })
    for (const { id } of backups) listed.add(id)
    await protection.close()
  }
  expect(listed.size).toBeGreaterThan(KILLS)

  const protection = await clusters.protect(name)
  await protection.attach(cluster)
  await protection.backUp()
  const copy = await clusters.restore(protection, 'killed-last', {
    backup: protection.backups().at(-1)!.id,
  })
  expect(await contentOf(copy.cluster)).toEqual(await contentOf(cluster))
  expect(await damageIn(copy.cluster)).toEqual([])
  // Nothing is left of what was never completed.
  const packs = await readdir(join(folder, 'vault', 'packs'))
  const ids = new Set(packs.map((pack) => pack.replace(/-\d+\.pack$/, '')))
  expect(ids.size).toBeLessThan(30)
  expect(await readdir(join(clusters.folder, 'killed-copy'))).toEqual(['data.log'])
}, 600_000)
