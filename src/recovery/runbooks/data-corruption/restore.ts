import type { DbInstance, InstanceAttributes } from '../../../aws/instance.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { withDatabase } from '../../../probe/database.ts'
import type { Identified } from './identify.ts'
import {
  type DataCorruption,
  derivedName,
  type Endpoint,
  EXECUTION_TAG,
  loginTo,
  type RecoveryTools,
  userTags,
} from './tools.ts'

export type Restored = {
  readonly instance: string
  readonly arn: string
  readonly endpoint: Endpoint
  readonly restoredTo: string
  /** The password of that moment was another one, and was set to what the secret holds. */
  readonly isPasswordReset: boolean
}

export interface RestoreStep {
  readonly execution: string
  readonly signal: AbortSignal
  readonly progress: (message: string, fraction?: number) => void
}

const SETTLED_WITHIN_MS = 3_600_000
const RESTORABLE_WITHIN_MS = 900_000
const RESTORED_WITHIN_MS = 14_000_000

/** Restores to the recovery point, with everything of the source that the call accepts. */
export async function restore(
  input: DataCorruption,
  { source, recoveryPoint }: Identified,
  tools: RecoveryTools,
  step: RestoreStep,
): Promise<Restored> {
  const { deletionProtection: _, ...attributes } = source.attributes
  return restoreTo(recoveryPoint.time, 'restored', { input, source, attributes, tools, step })
}

/**
 * Restores to just after the damage was first seen: the copy on which the checks must fail. Without a failed
 * check there is no such moment, and the newest one is taken.
 */
export async function restoreControl(
  input: DataCorruption,
  { source, damagedBy }: Identified,
  tools: RecoveryTools,
  step: RestoreStep,
): Promise<Restored> {
  const { instanceClass, parameterGroup, securityGroups, subnetGroup } = source.attributes
  const attributes: InstanceAttributes = {
    ...(instanceClass && { instanceClass }),
    ...(parameterGroup && { parameterGroup }),
    ...(securityGroups && { securityGroups }),
    ...(subnetGroup && { subnetGroup }),
  }
  const time = damagedBy ? ceilToMs(damagedBy) : 'latest'
  return restoreTo(time, 'control', { input, source, attributes, tools, step })
}

interface RestoreOrder {
  readonly input: DataCorruption
  readonly source: Identified['source']
  readonly attributes: InstanceAttributes
  readonly tools: RecoveryTools
  readonly step: RestoreStep
}

async function restoreTo(
  time: string | 'latest',
  role: 'restored' | 'control',
  { input, source, attributes, tools, step }: RestoreOrder,
): Promise<Restored> {
  const { rds, databaseBackups } = tools.region
  const target = derivedName(source.instance, role, step.execution)
  if (time !== 'latest') {
    step.progress(`waiting until '${source.instance}' can be restored to ${time}`)
    const isReachable = (instance: DbInstance | undefined) =>
      (instance?.latestRestorableTime ?? new Date(0)) >= new Date(time)
    await rds.waitUntil(source.instance, isReachable, {
      deadlineMs: RESTORABLE_WITHIN_MS,
      signal: step.signal,
    })
  }
  const begun = await databaseBackups.restoreToPointInTime({
    source: source.instance,
    target,
    to: time === 'latest' ? 'latest' : { time: new Date(time) },
    attributes,
    tags: role === 'restored' ? userTags(source.tags) : { 'lifeboat:role': 'control copy' },
    mark: { key: EXECUTION_TAG, value: step.execution },
  })
  const instance = await waitUntilAvailable(target, tools, step)
  const endpoint = instance.endpoint!
  const isPasswordReset = await ensureLogin(input, instance, tools)
  return {
    instance: target,
    arn: instance.arn || begun.arn,
    endpoint,
    restoredTo: time,
    isPasswordReset,
  }
}

async function waitUntilAvailable(
  identifier: string,
  { region, clock }: RecoveryTools,
  { signal, progress }: RestoreStep,
): Promise<DbInstance> {
  const startedMs = clock.monotonicMs()
  const instance = await region.rds.waitUntil(
    identifier,
    (one) => {
      if (one?.status === 'incompatible-restore' || one?.status === 'failed') {
        throw new LifeboatError(
          'RestoreFailed',
          `the restore of '${identifier}' ended as '${one.status}'`,
          {
            hint: "Read the instance's events, then retry the step.",
          },
        )
      }
      return one?.status === 'available' && one.endpoint !== undefined
    },
    {
      deadlineMs: RESTORED_WITHIN_MS,
      signal,
      onPoll: (one) => {
        const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000)
        const percent = one?.percentProgress
        const left = percent
          ? `, about ${Math.round((seconds * (100 - percent)) / percent)} s left`
          : ''
        progress(
          `'${identifier}' is ${one?.status ?? 'not there yet'} for ${seconds} s${left}`,
          percent === undefined ? undefined : percent / 100,
        )
      },
    },
  )
  return instance!
}

/**
 * Logs in as the workload does. A restore brings back the password of that moment; when that is another one
 * than the secret holds and the login is the master user's, the instance gets the one that the secret holds.
 *
 * @returns whether the password was set
 */
async function ensureLogin(
  { workload }: DataCorruption,
  instance: DbInstance,
  tools: RecoveryTools,
): Promise<boolean> {
  const login = await loginTo(tools, workload.database.secret, workload, instance.endpoint!)
  const tryLogin = () => withDatabase(login, { purpose: 'login' }, async () => false)
  try {
    return await tryLogin()
  } catch (error) {
    const isRefused = error instanceof LifeboatError && error.code === 'CredentialsRefused'
    if (!isRefused || login.user !== instance.masterUser) throw error
  }
  await tools.region.rds.setMasterPassword(instance.identifier, login.password)
  const deadline = tools.clock.monotonicMs() + 300_000
  for (;;) {
    try {
      await tryLogin()
      return true
    } catch (error) {
      const isRefused = error instanceof LifeboatError && error.code === 'CredentialsRefused'
      if (!isRefused || tools.clock.monotonicMs() > deadline) throw error
      await tools.clock.sleep(1_000)
    }
  }
}

/** Deletes an instance that this execution made, by its recorded ARN (I15), and waits until it is gone. */
export async function removeInstance(
  arn: string,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<void> {
  const { rds } = tools.region
  const identifier = arn.split(':').at(-1) ?? ''
  const instance = await rds.findInstance(identifier)
  if (instance?.arn !== arn) return
  if (instance.attributes.deletionProtection) {
    // Its first backup may just run: until that has ended, nothing about it can be changed.
    const isSettled = (one: DbInstance | undefined) =>
      one === undefined || one.status === 'available'
    await rds.waitUntil(identifier, isSettled, { deadlineMs: SETTLED_WITHIN_MS, signal })
    await rds.modifyInstance(identifier, { deletionProtection: false })
  }
  await rds.deleteInstance(arn)
  await rds.waitUntil(identifier, (one) => one === undefined || one.arn !== arn, {
    deadlineMs: 1_800_000,
    signal,
  })
}

function ceilToMs(time: string): string {
  const ms = Date.parse(time)
  return new Date(/\.\d{3}0*Z$/.test(time) ? ms : ms + 1).toISOString()
}
