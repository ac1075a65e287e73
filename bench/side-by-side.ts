import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../src/core/clock.ts'
import type { PostgresBinaries } from '../src/postgres/binaries.ts'
import type { Contender, RestoreTo } from './contender.ts'
import { type DataSet, one } from './data-sets.ts'
import { Lifeboat } from './lifeboat.ts'
import type { Usage } from './machine.ts'
import { PgBackRest } from './pgbackrest.ts'

export const MEASURES = ['full', 'incremental', 'restore', 'restore, durable', 'PITR'] as const
export type Measure = (typeof MEASURES)[number]

/** Everything that was seen of one contender on one data set. */
export interface Findings {
  readonly contender: string
  readonly postgres: string
  readonly dataSet: string
  readonly clusterBytes: number
  /** Bytes of PITR's write-ahead log, from the newest backup to the target. */
  readonly walBytes: number
  readonly seconds: Record<Measure, number[]>
  readonly usage: Record<Measure, Usage[]>
  readonly storedBytes: { full: number; incrementals: number[] }
}

/** What the source runs with, besides Lifeboat's own settings. */
const SOURCE_SETTINGS = {
  archive_mode: 'on',
  archive_command: '/bin/true',
  // Nothing happens by itself: every difference between two backups is the churn.
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  max_wal_size: '8GB',
  maintenance_work_mem: '512MB',
}
const DAYS = [1, 2, 3, 4, 5, 6]
const WAL_BYTES_AT_SCALE_1 = 500e6

/**
 * Loads one data set into one cluster and lets the contenders back it up and restore it by turns, in alternating order, for
 * whoever comes second finds other things in the page cache. Every restored cluster is compared with what it must hold.
 */
export async function sideBySide(o: {
  folder: string
  templates: string
  binaries: PostgresBinaries
  dataSet: DataSet
  withPgBackRest: boolean
  scale: number
  rounds: number
  onProgress: (message: string) => void
  signal: AbortSignal
}): Promise<Findings[]> {
  const { folder, dataSet, scale } = o
  await mkdir(folder, { mode: 0o711 })
  const lifeboat = new Lifeboat(folder)
  const contenders: Contender[] = [lifeboat]
  o.signal.addEventListener('abort', () => lifeboat.kill(), { once: true })
  try {
    const source = await lifeboat.createSource({ ...o, settings: SOURCE_SETTINGS })
    if (o.withPgBackRest) contenders.push(new PgBackRest(folder, source, SOURCE_SETTINGS))
    const findings = contenders.map(({ name }) => emptyFindings(name, o))
    const turn = (index: number) =>
      (index % 2 === 0 ? [0, 1] : [1, 0]).filter((at) => at in contenders)

    o.onProgress('loading')
    await dataSet.load(source.target, scale)
    const clusterBytes = Number(await one(source.target, DATABASE_BYTES))

    for (let round = 0; round < o.rounds; round++) {
      for (const at of turn(round)) {
        o.onProgress(`full backup ${round + 1} of ${o.rounds}, ${contenders[at]!.name}`)
        await contenders[at]!.begin()
        await backUp(contenders[at]!, 'full', findings[at]!)
        findings[at]!.storedBytes.full = await contenders[at]!.storedBytes()
      }
    }
    for (const day of DAYS) {
      await dataSet.churn(source.target, day)
      for (const at of turn(day)) {
        o.onProgress(`incremental backup ${day} of ${DAYS.length}, ${contenders[at]!.name}`)
        const before = await contenders[at]!.storedBytes()
        await backUp(contenders[at]!, 'incremental', findings[at]!)
        const grown = (await contenders[at]!.storedBytes()) - before
        findings[at]!.storedBytes.incrementals.push(grown)
      }
    }
    const newest = await dataSet.fingerprint(source.target)
    for (let round = 0; round < o.rounds; round++) {
      for (const at of turn(round)) {
        o.onProgress(`restore ${round + 1} of ${o.rounds}, ${contenders[at]!.name}`)
        await restore(contenders[at]!, 'newest backup', dataSet, newest, findings[at]!)
      }
    }
    o.onProgress('writing WAL')
    const moment = await workUntil(source.target, dataSet, WAL_BYTES_AT_SCALE_1 * scale)
    for (const contender of contenders) await contender.untilArchived(moment.time)
    for (let round = 0; round < o.rounds; round++) {
      for (const at of turn(round)) {
        o.onProgress(`restore to a time ${round + 1} of ${o.rounds}, ${contenders[at]!.name}`)
        await restore(contenders[at]!, moment, dataSet, moment.fingerprint, findings[at]!)
      }
    }
    return findings.map((one) => ({ ...one, clusterBytes, walBytes: moment.walBytes }))
  } finally {
    for (const contender of contenders.reverse()) await contender.close()
    // Servers that were killed may still be writing their last.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 })
  }
}

const DATABASE_BYTES = 'select sum(pg_database_size(oid))::bigint as it from pg_database'
const INSERT_LSN = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as it"

async function backUp(
  contender: Contender,
  kind: 'full' | 'incremental',
  findings: Findings,
): Promise<void> {
  const { seconds, usage } = await contender.backUp(kind)
  findings.seconds[kind].push(seconds)
  findings.usage[kind].push(usage)
}

async function restore(
  contender: Contender,
  to: RestoreTo,
  dataSet: DataSet,
  expected: string,
  findings: Findings,
): Promise<void> {
  const restored = await contender.restore(to)
  const seen = await dataSet.fingerprint(restored.target)
  if (seen !== expected) {
    throw new Error(`${contender.name} restored other rows: '${seen}' instead of '${expected}'`)
  }
  await contender.discard()
  const measure = to === 'newest backup' ? 'restore' : 'PITR'
  findings.seconds[measure].push(restored.openSeconds)
  findings.usage[measure].push(restored.usage)
  if (measure !== 'restore') return
  findings.seconds['restore, durable'].push(restored.durableSeconds)
  findings.usage['restore, durable'].push(restored.usage)
}

/** Writes WAL, notes a moment in which nothing is committed, and writes some more, so that a target has something after it. */
async function workUntil(
  target: Parameters<DataSet['work']>[0],
  dataSet: DataSet,
  walBytes: number,
): Promise<{ time: Date; fingerprint: string; walBytes: number }> {
  const before = Number(await one(target, INSERT_LSN))
  await dataSet.work(target, walBytes)
  const after = Number(await one(target, INSERT_LSN))
  const fingerprint = await dataSet.fingerprint(target)
  await systemClock.sleep(200)
  const time = new Date(
    Number(await one(target, 'select floor(extract(epoch from clock_timestamp()) * 1000) as it')),
  )
  await systemClock.sleep(200)
  await dataSet.work(target, walBytes / 20)
  return { time, fingerprint, walBytes: after - before }
}

function emptyFindings(
  contender: string,
  { binaries, dataSet }: { binaries: PostgresBinaries; dataSet: DataSet },
): Findings {
  const each = <Value>(value: () => Value) =>
    Object.fromEntries(MEASURES.map((measure) => [measure, value()])) as Record<Measure, Value>
  return {
    contender,
    postgres: binaries.version,
    dataSet: dataSet.name,
    clusterBytes: 0,
    walBytes: 0,
    seconds: each(() => [] as number[]),
    usage: each(() => [] as Usage[]),
    storedBytes: { full: 0, incrementals: [] },
  }
}

/** The folder of one run. */
export function runFolder(folder: string, dataSet: DataSet, { major }: PostgresBinaries): string {
  return join(folder, `${dataSet.name}-${major}`)
}
