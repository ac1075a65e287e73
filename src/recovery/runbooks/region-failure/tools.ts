import type { RegionClient } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import {
  type Database,
  type DatabaseLogin,
  sqlStateOf,
  withDatabase,
} from '../../../probe/database.ts'
import { probeHttp } from '../../../probe/http.ts'
import { type Resolution, resolveName } from '../../../probe/resolve.ts'
import type { LedgerFile } from '../../loss.ts'
import type { Workload } from '../../workload.ts'
import { type Endpoint, loginTo, type RecoveryTools } from '../data-corruption/tools.ts'

/** What an execution is started with. */
export type RegionFailure = {
  readonly workload: Workload
  /** An absolute path: where the incident document goes. */
  readonly incidentFolder: string
  /** A record of acknowledged writes outside of the region, to count the loss against. */
  readonly ledger?: LedgerFile
  /** Data loss that was accepted beyond the recovery point objective. */
  readonly acceptDataLossSeconds?: number
  /** What somebody else has seen, in words: an independent witness that the region is lost. */
  readonly witness?: string
  /** How a person knows that the old database takes no writes, in words. */
  readonly fenceAttested?: string
}

/** How long something that may be dead is given to answer. */
export const PROBE_MS = 4_000

/** The region to recover in. @throws LifeboatError `RecoveryRegionNotReady` when the workload file names none */
export async function recoveryRegion(
  tools: Pick<RecoveryTools, 'reach'>,
  workload: Workload,
): Promise<RegionClient> {
  return await tools.reach(recoveryRegionName(workload))
}

export function recoveryRegionName({ name, recoveryRegion: region }: Workload): string {
  if (region !== undefined) return region
  throw new LifeboatError('RecoveryRegionNotReady', `'${name}' names no region to recover in`, {
    hint: "Add 'recovery: REGION' to regions: in the workload file.",
  })
}

/**
 * A login with the copy of a secret that the recovery region has: nothing of the region that is lost is asked.
 *
 * @param endpoint  instead of that in the secret, which before the failover is the old database's
 */
export async function loginByRecoverySecret(
  tools: Pick<RecoveryTools, 'reach'>,
  workload: Workload,
  endpoint?: Endpoint,
  secret = workload.database.secret,
): Promise<DatabaseLogin> {
  const region = await recoveryRegion(tools, workload)
  return await loginTo({ region }, secret, workload, endpoint)
}

/** A session as the administrator, at an endpoint or where the secret says. */
export async function asAdministratorOf<Result>(
  tools: RecoveryTools,
  workload: Workload,
  endpoint: Endpoint | undefined,
  body: (database: Database) => Promise<Result>,
): Promise<Result> {
  const { adminSecret } = workload.database
  const login = await loginByRecoverySecret(tools, workload, endpoint, adminSecret)
  const session = { purpose: 'recovery', connectTimeoutMs: PROBE_MS, statementTimeoutMs: 3_600_000 }
  return await withDatabase(login, session, body)
}

/**
 * Where the public name leads at this moment.
 *
 * @throws LifeboatError `NameServerUnreachable`
 */
export async function resolvePublicName(
  { nameServer, random }: RecoveryTools,
  name: string,
): Promise<Resolution> {
  return await resolveName(name, { random, ...(nameServer && { server: nameServer }) }, PROBE_MS)
}

/**
 * A write as a customer makes one.
 *
 * @param address  where it goes, whatever the name says; by default where the public name leads
 * @returns the status, or null where the workload has no address that writes
 * @throws LifeboatError `SwitchNotProven`, `NameServerUnreachable`
 */
export async function writeAsCustomer(
  tools: RecoveryTools,
  { http, publicName }: Workload,
  address?: string,
): Promise<number | null> {
  if (!http) return null
  const { url, method, body, timeoutSeconds } = http
  const resolve = async (host: string) => {
    if (address !== undefined) return address
    const [first] = (await resolvePublicName(tools, host)).addresses
    if (first !== undefined) return first
    throw new LifeboatError('SwitchNotProven', `'${host}' has no address`)
  }
  const isPublic = publicName !== undefined && new URL(url).hostname === publicName.name
  return await probeHttp({
    url,
    method,
    timeoutMs: timeoutSeconds * 1000,
    ...(body !== undefined && { body }),
    ...((address !== undefined || isPublic) && { resolve }),
  })
}

export type Tried<Answer> = { readonly answer: Answer } | { readonly failure: string }

/**
 * What comes of asking something that may be dead: the answer, or the failure in words.
 *
 * @throws what is a mistake of ours
 */
export async function tried<Answer>(
  { clock }: Pick<RecoveryTools, 'clock'>,
  ask: () => Promise<Answer>,
  withinMs = PROBE_MS,
): Promise<Tried<Answer>> {
  const patience = new AbortController()
  const late = clock.sleep(withinMs, patience.signal).then(
    () => ({ failure: `no answer within ${withinMs / 1000} s` }),
    () => ({ failure: 'answered' }),
  )
  const asked = ask().then(
    (answer) => ({ answer }),
    (error: unknown) => {
      if (error instanceof LifeboatError) return { failure: error.message }
      // A server that goes down in the middle says so by an error of its own.
      if (error instanceof Error && sqlStateOf(error)) return { failure: error.message }
      throw error
    },
  )
  try {
    return await Promise.race([asked, late])
  } finally {
    patience.abort()
  }
}
