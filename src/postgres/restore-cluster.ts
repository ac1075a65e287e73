import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../core/lsn.ts'
import type { PostgresBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import { syncTree } from './copy-tree.ts'
import type { RecoveryPlan } from './recovery-target.ts'
import { giveTo, makeReachable, type ServerAccount, serverAccount } from './server-account.ts'
import { endOrphans } from './server-processes.ts'
import { promote } from './standby/standby.ts'
import { syncFolder } from './storage/durable-file.ts'
import type { Progress } from './vault/back-up.ts'
import type { Vault } from './vault/vault.ts'
import { stageWal } from './wal/stage-wal.ts'
import type { WalArchive } from './wal/wal-archive.ts'
import { Connection } from './wire/connection.ts'

/** Replay is watched for as long as it moves; this long without a step is a failure. */
const STALLED_MS = 60_000
/** How often a server is asked how far it is. */
const POLL_MS = 5
/** A folder that is not even a cluster yet. */
const UNFINISHED = '.partial'
/** In a data directory: its restore is not complete. */
const MARKER = 'lifeboat.restoring'

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
  /** The restored cluster is open for reading and writing, and not yet durable: a crash of the machine would undo it. */
  readonly onOpen?: ((cluster: Cluster) => void) | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * From a plan to a running cluster: the backup's files, WAL up to the cut, a standby that replays it while it is still being
 * laid down, and a promotion when it has replayed all there is.
 *
 * There is no recovery target. PostgreSQL aborts a recovery whose target has nothing after it, and a standby that merely runs
 * out of WAL can be promoted exactly where it stands.
 *
 * Nothing is synced before the server is open: while a restore is not complete it is worth nothing after a crash. A file in
 * the data directory says so until everything is durable, and the next restore to that place removes what it finds.
 */
export async function restoreCluster(o: RestoreRequest): Promise<Cluster> {
  const account = serverAccount()
  await makeReachable(dirname(o.into), account)
  await removeHalfRestored(o.into, o.clock)
  await ensureFree(o.into)
  const unfinished = `${o.into}${UNFINISHED}`
  let cluster: Cluster | undefined
  try {
    const { backup } = await o.vault.restore({
      ...o,
      backup: o.plan.backup.id,
      into: unfinished,
      account,
    })
    await prepare(unfinished, account)
    const stage = (folder: string, from: Lsn, cutAt: Lsn) =>
      stageWal({
        archive: o.archive,
        timeline: backup.timeline,
        from,
        cutAt,
        into: join(folder, 'pg_wal'),
        account,
        signal: o.signal,
      })
    // Without the WAL up to the backup's end a server does not start; the rest may come while it replays.
    const segment = BigInt(o.archive.segmentBytes)
    const enough = ((backup.stopLsn / segment + 1n) * segment) as Lsn
    const first = enough < o.plan.cutAt ? enough : o.plan.cutAt
    await stage(unfinished, backup.startLsn, first)
    await rename(unfinished, o.into)

    const settings = o.settings ?? {}
    cluster = await Cluster.open({
      dataDirectory: o.into,
      binaries: o.binaries,
      superuser: o.superuser,
      clock: o.clock,
      settings: replaySettings(settings, backup.recoverySettings),
      ...(o.port === undefined ? {} : { port: o.port }),
    })
    await allOf([
      cluster.start(),
      first < o.plan.cutAt ? stage(o.into, first, o.plan.cutAt) : Promise.resolve(),
    ])
    await replayAndPromote(cluster, o)
    await settle(cluster, settings, backup.recoverySettings)
    o.onOpen?.(cluster)
    await makeDurable(cluster)
    return cluster
  } catch (error) {
    await cluster?.kill()
    for (const path of [unfinished, o.into, `${o.into}.log`]) {
      await rm(path, { recursive: true, force: true })
    }
    throw error
  }
}

/** Whether what is in a data directory is a restore that was interrupted. */
export async function isHalfRestored(dataDirectory: string): Promise<boolean> {
  return isThere(join(dataDirectory, MARKER))
}

/** Removes what an interrupted restore left of a data directory, and its server. */
async function removeHalfRestored(dataDirectory: string, clock: Clock): Promise<void> {
  await rm(`${dataDirectory}${UNFINISHED}`, { recursive: true, force: true })
  if (!(await isHalfRestored(dataDirectory))) return
  await endOrphans(dataDirectory, clock)
  await rm(dataDirectory, { recursive: true, force: true })
}

async function ensureFree(dataDirectory: string): Promise<void> {
  if (!(await isThere(dataDirectory)) || (await readdir(dataDirectory)).length === 0) return
  throw new LifeboatError('FolderNotUsable', `'${dataDirectory}' is not empty`, {
    hint: 'Restore into a folder that does not exist yet.',
  })
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Waits for all, also when one has failed: what still runs would work on what is being removed. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === 'rejected') throw result.reason
  }
}

async function prepare(dataDirectory: string, account: ServerAccount | undefined): Promise<void> {
  for (const folder of ['pg_wal', 'pg_wal/archive_status']) {
    await mkdir(join(dataDirectory, folder), { recursive: true, mode: 0o700 })
    await giveTo(join(dataDirectory, folder), account)
  }
  for (const name of ['standby.signal', MARKER]) {
    await writeFile(join(dataDirectory, name), '', { mode: 0o600 })
    await giveTo(join(dataDirectory, name), account)
  }
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
    // Made up for at the end, once, for everything.
    fsync: 'off',
  }
}

async function replayAndPromote(cluster: Cluster, o: RestoreRequest): Promise<void> {
  const connection = await Connection.open(cluster.target())
  try {
    await untilReplayed(connection, o)
    await promote(connection, o)
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
    await o.clock.sleep(POLL_MS)
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

/**
 * Writes and syncs everything. The server ran without syncs, so that it knows of nothing that it would have to make up for:
 * all files are synced here. Only then the restore is complete.
 */
async function makeDurable(cluster: Cluster): Promise<void> {
  const connection = await Connection.open(cluster.target())
  try {
    await connection.query('checkpoint')
  } finally {
    await connection.close()
  }
  await syncTree(cluster.dataDirectory)
  await rm(join(cluster.dataDirectory, MARKER))
  await syncFolder(cluster.dataDirectory)
  await syncFolder(dirname(cluster.dataDirectory))
}
