import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import { syncPath, syncTree } from '../copy-tree.ts'
import { giveTo, makeReachable, serverAccount } from '../server-account.ts'
import { writeDurably } from '../storage/durable-file.ts'
import { BaseBackupStream } from '../wire/base-backup.ts'
import type { Connection } from '../wire/connection.ts'
import type { ConnectionTarget } from '../wire/connection-target.ts'
import { receiveFiles } from './receive-files.ts'

/** A folder that is not even a cluster yet. */
const UNFINISHED = '.partial'
const SIGNAL = 'standby.signal'
const PROMOTE_MS = 60_000
const POLL_MS = 5

/** Where a standby streams from, and as whom. */
export interface Primary {
  readonly host: string
  readonly port: number
  /** May replicate, and need not be able to do anything else. */
  readonly user: string
  readonly password: string
  /** The replication slot on the primary. It is also the standby's name there. */
  readonly slot: string
}

/**
 * Makes the data directory of a standby from a base backup of its primary, over the wire. It is durable when it returns, and
 * there is none when it throws. The slot must be there before: it keeps the WAL that the backup needs.
 *
 * @throws LifeboatError `DatabaseUnreachable`, `DiskFull`, `FolderNotUsable`; ServerError, also when a page is damaged
 */
export async function receiveStandby(o: {
  primary: Primary
  into: string
  signal?: AbortSignal | undefined
}): Promise<void> {
  const account = serverAccount()
  await makeReachable(dirname(o.into), account)
  const unfinished = `${o.into}${UNFINISHED}`
  await rm(unfinished, { recursive: true, force: true })
  let stream: BaseBackupStream | undefined
  const end = () => stream?.destroy()
  o.signal?.addEventListener('abort', end, { once: true })
  try {
    stream = await BaseBackupStream.begin(targetOf(o.primary), `lifeboat ${o.primary.slot}`, {
      verifyChecksums: true,
    })
    await receiveFiles(stream, { into: unfinished, account, signal: o.signal })
    await writeFile(join(unfinished, SIGNAL), '', { mode: 0o600 })
    await giveTo(join(unfinished, SIGNAL), account)
    await syncTree(unfinished)
    await rename(unfinished, o.into)
    await syncPath(dirname(o.into))
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    o.signal?.throwIfAborted()
    throw error
  } finally {
    o.signal?.removeEventListener('abort', end)
    end()
  }
}

/**
 * What makes a server with a standby's data directory follow a primary. The password goes to a file that only the server's
 * account reads: settings can be read by users of the database.
 *
 * @param passwordFile  written anew
 */
export async function standbySettings(
  primary: Primary,
  passwordFile: string,
): Promise<Record<string, string>> {
  const { host, port, user, password, slot } = primary
  const entry = [host, String(port), 'replication', user, password].map(escaped).join(':')
  await writeDurably(passwordFile, `${entry}\n`)
  await giveTo(passwordFile, serverAccount())
  const connection = {
    host,
    port: String(port),
    user,
    passfile: passwordFile,
    application_name: slot,
    sslmode: 'disable',
    gssencmode: 'disable',
    connect_timeout: '5',
  }
  return {
    primary_conninfo: Object.entries(connection)
      .map(([name, value]) => `${name}='${value.replace(/['\\]/g, '\\$&')}'`)
      .join(' '),
    primary_slot_name: slot,
    // How soon it looks for its primary again; the default is 5 s.
    wal_retrieve_retry_interval: '500ms',
  }
}

/** Source: PostgreSQL manual, "The Password File". */
function escaped(field: string): string {
  return field.replace(/[:\\]/g, '\\$&')
}

function targetOf({ host, port, user, password }: Primary): ConnectionTarget {
  return { host, port, user, password, applicationName: 'lifeboat-standby' }
}

/** How far a server that replays is. */
export interface StandbyProgress {
  /** Whether WAL is arriving. */
  readonly isStreaming: boolean
  /** Up to where WAL is durable here: what a promotion keeps. */
  readonly receivedLsn: Lsn | undefined
  readonly replayedLsn: Lsn | undefined
  /** Since the commit that was replayed last, in seconds; undefined before the first. */
  readonly sinceLastCommitSeconds: number | undefined
  /** Whether replay waits because a setting is lower than the primary's. */
  readonly isPaused: boolean
}

/** Undefined when the server does not replay: it is no standby any more. */
export async function readProgress(connection: Connection): Promise<StandbyProgress | undefined> {
  const [row] = await connection.query(
    `select pg_is_in_recovery() as recovers, pg_last_wal_receive_lsn() as received, pg_last_wal_replay_lsn() as replayed,
            extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) as since,
            exists (select from pg_stat_wal_receiver where status = 'streaming') as streams,
            case when pg_is_in_recovery() then pg_is_wal_replay_paused() end as paused`,
  )
  if (row?.recovers !== 't') return undefined
  const received = row.received ? parseLsn(row.received) : undefined
  const replayed = row.replayed ? parseLsn(row.replayed) : undefined
  return {
    isStreaming: row.streams === 't',
    receivedLsn: greater(received, replayed),
    replayedLsn: replayed,
    sinceLastCommitSeconds: row.since === null ? undefined : Number(row.since),
    isPaused: row.paused === 't',
  }
}

/** A standby that was started again has replayed what it had, and has received nothing yet. */
function greater(a: Lsn | undefined, b: Lsn | undefined): Lsn | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}

/**
 * Makes a standby a primary, on a new timeline, when it has replayed all that it has received. Safe to call again.
 *
 * @throws LifeboatError `RestoreFailed` when it is not done in time
 */
export async function promote(
  connection: Connection,
  { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<void> {
  const isPrimary = async () => {
    const [row] = await connection.query('select pg_is_in_recovery() as recovers')
    return row?.recovers === 'f'
  }
  if (await isPrimary()) return
  // Told to wait, the server would look only ten times a second whether it is done.
  await connection.query('select pg_promote(false)')
  const deadlineMs = clock.monotonicMs() + PROMOTE_MS
  while (!(await isPrimary())) {
    signal?.throwIfAborted()
    if (clock.monotonicMs() > deadlineMs) {
      throw new LifeboatError(
        'RestoreFailed',
        `the server was not promoted within ${PROMOTE_MS / 1000} s`,
      )
    }
    await clock.sleep(POLL_MS)
  }
}
