import type { InstanceAttributes } from '../../../aws/instance.ts'
import { withDatabase } from '../../../probe/database.ts'
import { removeInstance } from '../data-corruption/restore.ts'
import {
  derivedName,
  type Endpoint,
  EXECUTION_TAG,
  fingerprint,
  type RecoveryTools,
} from '../data-corruption/tools.ts'
import type { Ready } from '../region-failure/readiness.ts'
import { loginByRecoverySecret, PROBE_MS } from '../region-failure/tools.ts'
import type { Quarantined } from './quarantine.ts'
import type { Failback } from './tools.ts'

/** The replica at home, which becomes the database. JSON. */
export type Seeded = {
  readonly instance: string
  readonly arn: string
  readonly endpoint: Endpoint
}

const SEEDED_WITHIN_MS = 24 * 3_600_000
const POLL_MS = 100

/** Makes a read replica at home of the database where it is now, and waits until it follows. */
export async function seed(
  { workload, failover }: Failback,
  { attributes }: Quarantined,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<Seeded> {
  const { databaseReplicas, rds } = tools.region
  const target = derivedName(workload.database.instance, 'home', step.execution)
  await databaseReplicas.create({
    source: failover.promoted.arn,
    target,
    attributes: readAttributes(attributes),
    tags: {},
    mark: { key: EXECUTION_TAG, value: step.execution },
  })
  const found = await rds.waitUntil(
    target,
    (one) => one?.status === 'available' && one.endpoint !== undefined,
    {
      deadlineMs: SEEDED_WITHIN_MS,
      signal: step.signal,
      onPoll: (one) => step.progress(`'${target}' is ${one?.status ?? 'not there yet'}`),
    },
  )
  const endpoint = found!.endpoint!
  step.progress(`waiting for '${target}' to follow`)
  await untilFollowing(workload, endpoint, tools, step.signal)
  return { instance: target, arn: found!.arn, endpoint }
}

/** Removes a replica that was ordered, and never followed. */
export async function unseed(
  { workload }: Failback,
  tools: RecoveryTools,
  execution: string,
  signal: AbortSignal,
): Promise<void> {
  const target = derivedName(workload.database.instance, 'home', execution)
  const ordered = await tools.region.rds.findInstance(target)
  if (ordered?.tags[EXECUTION_TAG] === execution) await removeInstance(ordered.arn, tools, signal)
}

/** Points the secret at home to the database where it is now, so that it speaks the truth from the first second. */
export async function pointHomeSecret(
  { workload, failover }: Failback,
  tools: RecoveryTools,
  execution: string,
): Promise<{ readonly secrets: readonly string[] }> {
  const { secret, adminSecret } = workload.database
  const { endpoint, instance } = failover.promoted
  const names = [...new Set([secret, adminSecret])]
  for (const name of names) {
    const token = fingerprint(`${execution}/away/${name}/${endpoint.host}:${endpoint.port}`)
    await tools.region.secrets.pointDatabaseSecret(name, { ...endpoint, instance }, token)
  }
  return { secrets: names }
}

/** What the failover knew of the other region, told of this one. */
export function readyAtHome({ workload, failover }: Failback, seeded: Seeded): Ready {
  const { ready } = failover
  const { records } = ready
  const address =
    records?.home.content.kind === 'values' ? records.home.content.values[0] : undefined
  return {
    ...ready,
    region: workload.region,
    database: {
      kind: 'replica',
      instance: seeded.instance,
      endpoint: seeded.endpoint,
      position: '0/0',
      newestCommitAt: null,
    },
    closed: [],
    services: ready.services.map((service) => ({ ...service, desiredCount: 0, runningCount: 0 })),
    // Its own address in the record is what it was before the failover.
    records: records && address !== undefined ? { ...records, recoveryAddress: address } : null,
  }
}

async function untilFollowing(
  workload: Failback['workload'],
  endpoint: Endpoint,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<void> {
  const login = await loginByRecoverySecret(tools, workload, endpoint)
  const session = { purpose: 'seed', connectTimeoutMs: PROBE_MS, statementTimeoutMs: PROBE_MS }
  await withDatabase(login, session, async (database) => {
    for (;;) {
      const { follows } = await database.one(
        `select exists (select from pg_stat_wal_receiver where status = 'streaming') as follows`,
      )
      if (follows === 't') return
      await tools.clock.sleep(POLL_MS, signal)
    }
  })
}

function readAttributes(from: Quarantined['attributes']): InstanceAttributes {
  const { instanceClass, parameterGroup, subnetGroup, securityGroups, kmsKey } = from
  return {
    ...(instanceClass !== null && { instanceClass }),
    ...(parameterGroup !== null && { parameterGroup }),
    ...(subnetGroup !== null && { subnetGroup }),
    ...(securityGroups.length > 0 && { securityGroups }),
    ...(kmsKey !== null && { kmsKey }),
  }
}
