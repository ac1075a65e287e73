import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../core/lsn.ts'
import type { PostgresBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import type { RecoveryPlan } from './recovery-target.ts'
import { giveTo, makeReachable, type ServerAccount, serverAccount } from './server-account.ts'
import type { Progress } from './vault/back-up.ts'
import type { Vault } from './vault/vault.ts'
import { stageWal } from './wal/stage-wal.ts'
import type { WalArchive } from './wal/wal-archive.ts'
import { Connection } from './wire/connection.ts'

/** Replay is watched for as long as it moves; this long without a step is a failure. */
const STALLED_MS = 60_000
const PROMOTE_SECONDS = 60

export interface RestoreRequest {
  readonly plan: RecoveryPlan
  readonly vault: Vault
  readonly archive: WalArchive
  readonly into: string
  readonly binaries: PostgresBinaries
  readonly superuser: { readonly name: string; readonly password: string }
  readonly settings?: Readonly<Record<string, string>>
  readonly port?: number
  readonly clock: Clock
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * From a plan to a running cluster: the backup's files, WAL up to the cut, a standby that replays it while it is still being
 * laid down, and a promotion when it has replayed all there is.
 *
 * There is no recovery target. PostgreSQL aborts a recovery whose target has nothing after it, and a standby that merely runs
 * out of WAL can be promoted exactly where it stands.
 */
export async function restoreCluster(o: RestoreRequest): Promise<Cluster> {
  const account = serverAccount()
  await makeReachable(dirname(o.into), account)
  let cluster: Cluster | undefined
  try {
    const { backup } = await o.vault.restore({ ...o, backup: o.plan.backup.id, account })
    await prepare(o.into, account)
    const stage = (from: Lsn, cutAt: Lsn) =>
      stageWal({
        archive: o.archive,
        timeline: backup.timeline,
        from,
        cutAt,
        into: join(o.into, 'pg_wal'),
        account,
        signal: o.signal,
      })
    // Without the WAL up to the backup's end a server does not start; the rest may come while it replays.
    const segment = BigInt(o.archive.segmentBytes)
    const enough = ((backup.stopLsn / segment + 1n) * segment) as Lsn
    const first = enough < o.plan.cutAt ? enough : o.plan.cutAt
    await stage(backup.startLsn, first)

    const settings = o.settings ?? {}
    cluster = await Cluster.open({
      dataDirectory: o.into,
      binaries: o.binaries,
      superuser: o.superuser,
      clock: o.clock,
      settings: replaySettings(settings, backup.recoverySettings),
      ...(o.port === undefined ? {} : { port: o.port }),
    })
    const rest = first < o.plan.cutAt ? stage(first, o.plan.cutAt) : Promise.resolve()
    await Promise.all([cluster.start(), rest])
    await replayAndPromote(cluster, o)
    await settle(cluster, settings, backup.recoverySettings)
    return cluster
  } catch (error) {
    await cluster?.kill()
    await rm(o.into, { recursive: true, force: true })
    await rm(`${o.into}.log`, { force: true })
    throw error
  }
}

async function prepare(dataDirectory: string, account: ServerAccount | undefined): Promise<void> {
  for (const folder of ['pg_wal', 'pg_wal/archive_status']) {
    await mkdir(join(dataDirectory, folder), { recursive: true, mode: 0o700 })
    await giveTo(join(dataDirectory, folder), account)
  }
  await writeFile(join(dataDirectory, 'standby.signal'), '', { mode: 0o600 })
  await giveTo(join(dataDirectory, 'standby.signal'), account)
}

/** A standby must not have less room than the server whose WAL it replays. */
function replaySettings(
  wanted: Readonly<Record<string, string>>,
  ofSource: Readonly<Record<string, string>>,
): Record<string, string> {
  const roomy = Object.entries(ofSource).map(([name, value]) => {
    return [name, String(Math.max(Number(value), Number(wanted[name] ?? 0)))] as const
  })
  return {
    ...wanted,
    ...Object.fromEntries(roomy),
    // How often it looks for the next segment; the default of 5 s would be most of a restore.
    wal_retrieve_retry_interval: '5ms',
  }
}

async function replayAndPromote(cluster: Cluster, o: RestoreRequest): Promise<void> {
  const connection = await Connection.open(cluster.target())
  try {
    await untilReplayed(connection, o)
    const [row] = await connection.query(`select pg_promote(true, ${PROMOTE_SECONDS}) as promoted`)
    if (row?.promoted !== 't') {
      throw new LifeboatError(
        'RestoreFailed',
        `the restored server was not promoted within ${PROMOTE_SECONDS} s`,
      )
    }
  } finally {
    await connection.close()
  }
}

async function untilReplayed(connection: Connection, o: RestoreRequest): Promise<void> {
  let last = -1n
  let movedAt = o.clock.monotonicMs()
  for (;;) {
    o.signal?.throwIfAborted()
    const [row] = await connection.query('select pg_last_wal_replay_lsn() as lsn')
    const replayed = row?.lsn ? parseLsn(row.lsn) : 0n
    if (replayed >= o.plan.replayUntil) return
    if (replayed !== last) movedAt = o.clock.monotonicMs()
    last = replayed
    if (o.clock.monotonicMs() - movedAt > STALLED_MS) {
      throw new LifeboatError(
        'RestoreFailed',
        `replay stopped at ${formatLsn(replayed as Lsn)}, before ${formatLsn(o.plan.replayUntil)}`,
      )
    }
    await o.clock.sleep(10)
  }
}

/** The caller's settings, with a restart only where the replay needed more room than they give. */
async function settle(
  cluster: Cluster,
  wanted: Readonly<Record<string, string>>,
  ofSource: Readonly<Record<string, string>>,
): Promise<void> {
  await cluster.configure(wanted)
  const isSmaller = Object.keys(ofSource).some(
    (name) => wanted[name] !== undefined && Number(wanted[name]) < Number(ofSource[name]),
  )
  if (!isSmaller) return cluster.reload()
  await cluster.stop()
  await cluster.start()
}
