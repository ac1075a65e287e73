import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { type Lsn, parseLsn } from '../../src/core/lsn.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { copyTree } from '../../src/postgres/copy-tree.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import { newestMoment } from '../../src/postgres/wal/timeline-archive.ts'
import { WalArchive } from '../../src/postgres/wal/wal-archive.ts'
import { WalReceiver } from '../../src/postgres/wal/wal-receiver.ts'
import { Connection } from '../../src/postgres/wire/connection.ts'
import { ProtectedClusters, superuser } from '../harness/protected-cluster.ts'

/** The newest that is installed with its tools: the embedded one has none. */
const MAJOR = 15
let world: ProtectedClusters

beforeAll(async () => {
  world = await ProtectedClusters.open('commits')
})
afterAll(() => world.close())

interface DumpedCommit {
  readonly xid: string
  readonly lsn: Lsn
  readonly timeUs: number
}

/** The commits that pg_waldump finds, in the order of the log. */
async function dump(cluster: Cluster): Promise<DumpedCommit[]> {
  const folder = join(cluster.dataDirectory, 'pg_wal')
  const names = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort()
  const { stdout } = spawnSync(
    join(cluster.binaries.bin, 'pg_waldump'),
    ['-p', folder, '-r', 'Transaction', names[0]!],
    { env: { ...process.env, TZ: 'UTC' }, encoding: 'utf8', maxBuffer: 1 << 30 },
  )
  const line =
    /tx:\s+(\d+), lsn: (\S+), .* desc: COMMIT(?:_PREPARED (\d+):)? (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC/
  return stdout.split('\n').flatMap((text) => {
    const [, session, lsn, prepared, day, clock, fraction] = line.exec(text) ?? []
    const xid = prepared ?? session
    if (!xid) return []
    const timeUs = Date.parse(`${day}T${clock}Z`) * 1000 + Number(fraction)
    return [{ xid, lsn: parseLsn(lsn!), timeUs }]
  })
}

test(`the index of commits, the promises made from it and where a restore stops are PostgreSQL ${MAJOR}'s own`, async (context) => {
  if (!world.binaries(MAJOR)) return context.skip(`skipped: needs PostgreSQL ${MAJOR}`)
  const settings = { wal_keep_size: '8GB', max_prepared_transactions: '10' }
  const cluster = await world.startAlone('source', { major: MAJOR, settings })
  await cluster.stop()
  const copy = join(world.folder, 'source', 'copy')
  await copyTree(cluster.dataDirectory, copy)
  await cluster.start()

  const archive = await WalArchive.open({
    folder: join(world.folder, 'source', 'wal'),
    clock: systemClock,
  })
  const receiver = new WalReceiver({ source: cluster.target(), archive, slot: 'lifeboat' })
  await receiver.start()
  const sql = await world.connect(cluster)
  const [begun] = await sql.query('select pg_current_wal_insert_lsn() lsn')
  await sql.query('create table t (i int, filler text)')
  const promises = await promisesUnderLoad(cluster, archive)
  const [row] = await sql.query('select pg_current_wal_insert_lsn() lsn')
  await receiver.waitUntilDurable(parseLsn(row!.lsn!), 30_000)
  await receiver.stop()
  await cluster.stop()

  const timeline = archive.find(1)!
  const { from, to } = timeline.ranges()[0]!
  const commits = (await dump(cluster)).filter(({ lsn }) => from <= lsn && lsn < to)
  expect(commits.length).toBeGreaterThan(500)
  for (let sample = 0; sample < 200; sample++) {
    const { timeUs } = commits[randomInt(commits.length)]!
    const expected = commits.find((commit) => commit.timeUs > timeUs)
    const found = await timeline.firstCommitAfter(timeUs, from)
    expect(found?.startLsn).toBe(expected?.lsn)
    expect(found?.timeUs).toBe(expected?.timeUs)
  }

  expect(promises.length).toBeGreaterThan(40)
  for (const { timeUs, lsn } of promises) {
    const beyond = commits.filter((commit) => commit.lsn >= lsn && commit.timeUs <= timeUs)
    expect(beyond).toEqual([])
  }

  // The log begins with what initdb committed, which the copy holds already.
  const replayed = commits.filter(({ lsn }) => lsn >= parseLsn(begun!.lsn!))
  for (const share of [0.2, 0.55, 0.9]) {
    const timeUs = replayed[Math.floor(replayed.length * share)]!.timeUs + randomInt(2_000)
    const found = await timeline.firstCommitAfter(timeUs, from)
    const expected = commits.find(({ lsn }) => lsn === found!.startLsn)
    expect(await whereRecoveryStops(copy, cluster, timeUs)).toBe(expected!.xid)
  }
  await archive.close()
}, 240_000)

/** What is promised at random moments while four sessions commit, some in two phases, some in subtransactions. */
async function promisesUnderLoad(cluster: Cluster, archive: WalArchive) {
  let isOn = true
  const writers = [0, 1, 2, 3].map(async (writer) => {
    const session = await Connection.open(cluster.target())
    const row = () => `insert into t values (${writer}, repeat('x', ${randomInt(60_000)}));`
    for (let i = 0; isOn; i++) {
      if (i % 7 === 3) {
        const name = `'${writer}-${i}'`
        await session.query(`begin; ${row()} prepare transaction ${name}`)
        await session.query(`commit prepared ${name}`)
      } else if (i % 5 === 2) {
        await session.query(`begin; savepoint s; ${row()} release s; ${row()} commit`)
      } else await session.query(row())
    }
    await session.close()
  })
  const promises: { timeUs: number; lsn: Lsn }[] = []
  for (let sample = 0; sample < 80; sample++) {
    await sleep(randomInt(80))
    const range = archive.find(1)?.ranges().at(-1)
    const promised = range && newestMoment(range)
    if (promised) promises.push({ timeUs: promised.getTime() * 1000, lsn: range.to })
  }
  isOn = false
  await Promise.all(writers)
  return promises
}

let recoveries = 0

/** The transaction before whose commit PostgreSQL's own recovery stops at that time. */
async function whereRecoveryStops(copy: string, source: Cluster, timeUs: number) {
  const dataDirectory = join(world.folder, `recovered${recoveries++}`, 'data')
  await mkdir(join(dataDirectory, '..'), { recursive: true, mode: 0o711 })
  await copyTree(copy, dataDirectory, { account: serverAccount() })
  await writeFile(join(dataDirectory, 'recovery.signal'), '')
  await giveTo(join(dataDirectory, 'recovery.signal'), serverAccount())
  const whole = new Date(Math.floor(timeUs / 1000)).toISOString().slice(0, 19)
  const fraction = String(timeUs % 1_000_000).padStart(6, '0')
  const recovered = await Cluster.open({
    dataDirectory,
    binaries: source.binaries,
    superuser,
    settings: {
      max_prepared_transactions: '10',
      restore_command: `cp "${source.dataDirectory}/pg_wal/%f" "%p"`,
      recovery_target_time: `${whole}.${fraction}+00`,
      recovery_target_action: 'promote',
    },
  })
  try {
    await recovered.start()
    const log = () => readFile(`${dataDirectory}.log`, 'utf8')
    // A standby answers before it has replayed everything.
    await expect.poll(log).toMatch(/archive recovery complete/)
    return /recovery stopping before commit of transaction (\d+)/.exec(await log())?.[1]
  } finally {
    await recovered.kill()
  }
}
