import { createHash } from 'node:crypto'
import type { RegionClient } from '../../../aws/region-client.ts'
import type { DatabaseSecret } from '../../../aws/secrets.ts'
import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import { type Database, type DatabaseLogin, withDatabase } from '../../../probe/database.ts'
import type { LockRecord } from '../../../runbook/execution-lock.ts'
import type { History } from '../../history.ts'
import type { LedgerFile } from '../../loss.ts'
import type { Update } from '../../notifications/updates.ts'
import type { JournalStep } from '../../phase-clock.ts'
import type { Testimonies } from '../../witnesses/testimonies.ts'
import type { Workload } from '../../workload.ts'

/** What the steps work with. Made anew in every process; holds no credentials. */
export interface RecoveryTools {
  readonly region: RegionClient
  readonly reach: (region: string) => Promise<RegionClient>
  readonly history: History
  readonly testimonies: Testimonies
  /** Where names are asked for; by default where the system asks. */
  readonly nameServer?: { readonly host: string; readonly port: number }
  /** Lifeboat's own environment, for the user's own steps; they are given little of it. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Values that no output may show. */
  readonly knownSecrets?: readonly string[]
  readonly clock: Clock
  readonly random: Random
  /** The execution as it is recorded so far, for the incident document. */
  readonly journal: (execution: string) => Promise<Journal>
  /** What people were told of the execution until now, for the same. */
  readonly updates: (execution: string) => Promise<readonly Update[]>
}

/** The part of an execution's record that the incident document needs. */
export interface Journal {
  readonly startedAt: Date | string
  readonly lock?: LockRecord
  readonly steps: readonly NamedStep[]
}

export interface NamedStep extends JournalStep {
  readonly name: string
  readonly title: string
  readonly status: string
  readonly reason?: string | null
}

/** What an execution is started with. */
export type DataCorruption = {
  readonly workload: Workload
  /** `--to`: a moment before the damage, as a person knows it; ISO 8601. */
  readonly to?: string
  /** An absolute path: where the incident document and the salvaged rows go. */
  readonly incidentFolder: string
  /** A record of acknowledged writes outside of the database, to count the loss against. */
  readonly ledger?: LedgerFile
}

export type Endpoint = { readonly host: string; readonly port: number }

/** Marks everything that an execution makes (I4, I15). */
export const EXECUTION_TAG = 'lifeboat:execution'

/** A name of a DB instance that this execution makes: the same whenever it is asked for. */
export function derivedName(source: string, role: string, execution: string): string {
  return `${source.slice(0, 40)}-${role}-${fingerprint(execution).slice(0, 8)}`.replace(/--+/g, '-')
}

/** 64 hex digits that stand for a text. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * A login with a secret's user and password, read at this moment, at an endpoint of our choice: after the
 * switch the secret speaks of the restored instance, and the old one is reached by its own endpoint.
 */
export async function loginTo(
  { region }: Pick<RecoveryTools, 'region'>,
  secret: string,
  workload: Workload,
  endpoint?: Endpoint,
): Promise<DatabaseLogin> {
  const value = await region.secrets.getDatabaseSecret(secret)
  const database =
    value.database ?? (await region.secrets.getDatabaseSecret(workload.database.secret)).database
  return loginFrom({ ...value, ...endpoint }, database, workload.database.certificates)
}

/** On the way through a network a session is encrypted; on this machine there is no network. With `certificates` (see `Workload`) it is also sure of the server. */
function loginFrom(
  secret: Pick<DatabaseSecret, 'host' | 'port' | 'user' | 'password'>,
  database = 'postgres',
  certificates?: string,
): DatabaseLogin {
  const { host, port, user, password } = secret
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.')
  const tls = certificates ? { authorities: certificates } : isLocal ? 'off' : 'require'
  return { host, port, user, password, database, tls }
}

/** A session as the administrator of one instance, for the length of `body`. */
export async function asAdministrator<Result>(
  tools: RecoveryTools,
  workload: Workload,
  endpoint: Endpoint,
  body: (database: Database) => Promise<Result>,
): Promise<Result> {
  const login = await loginTo(tools, workload.database.adminSecret, workload, endpoint)
  return withDatabase(login, { purpose: 'recovery', statementTimeoutMs: 3_600_000 }, body)
}

/** AWS sets its own tags itself, and refuses them from others. */
export function userTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('aws:')))
}
