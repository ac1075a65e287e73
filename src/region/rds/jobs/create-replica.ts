import { LifeboatError } from '../../../core/errors.ts'
import { receiveStandby } from '../../../postgres/standby/standby.ts'
import { ServerError } from '../../../postgres/wire/server-error.ts'
import { RdsFault } from '../faults.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { admitted, askSource } from '../replication/ask-source.ts'
import type { Observation } from '../replication/source.ts'
import { replicationSettings } from '../server-settings.ts'
import { beginToServe } from './begin-to-serve.ts'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 10_000
const LOOK_EVERY_MS = 2_000

/**
 * `creating`: a standby from a base backup of its source, from nothing, also after a kill. While the source or its region is
 * away it waits; when the source gives up WAL that is needed, it begins again.
 */
export function createReplica(rds: Rds): Work {
  return async (instance, signal) => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      try {
        await makeStandby(rds, instance, signal)
        break
      } catch (error) {
        signal.throwIfAborted()
        if (!mayPass(error)) throw error
        rds.report(error)
        await rds.clock.sleep(pauseMs, signal)
      }
    }
    await becomeAwaited(rds, instance, signal)
    const parameters = parametersOf(rds, instance)
    await beginToServe(rds, instance, signal, { parameters, event: 'instance created' })
  }
}

async function makeStandby(rds: Rds, instance: LiveInstance, signal: AbortSignal): Promise<void> {
  const { server } = instance
  await server.removeData()
  const admission = await admitted(rds, instance, { isFresh: true, signal })
  const { host, user, password } = admission
  const { replicaOf } = await instance.change((record) => ({
    ...record,
    recoveryMinimums: withRecoveryMinimums(
      { ...record.recoveryMinimums, ...admission.recoveryMinimums },
      parametersOf(rds, instance),
    ),
  }))
  const { slot, region } = replicaOf ?? { slot: '', region: rds.names.region }
  const port = await rds.peer.portTo(region, admission.port)
  await receiveStandby({
    primary: { host, port, user, password, slot },
    into: server.dataDirectory,
    signal,
  })
  const parameters = parametersOf(rds, instance)
  const more = await replicationSettings(rds, instance, parameters)
  await whileItCanArrive(rds, instance, signal, (within) =>
    server.start(parameters, { port: instance.record.port, more, signal: within }),
  )
}

/** From here on commits may wait for it: so that nobody is told of a replica for which they do not. */
async function becomeAwaited(rds: Rds, instance: LiveInstance, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await admitted(rds, instance, { isFresh: false, signal })
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!mayPass(error)) throw error
      await rds.clock.sleep(FIRST_PAUSE_MS, signal)
    }
  }
}

/** A standby accepts connections once it has the WAL that makes it consistent: for which it would wait in vain if it was given up. */
async function whileItCanArrive(
  rds: Rds,
  instance: LiveInstance,
  signal: AbortSignal,
  start: (within: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController()
  const end = () => ending.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  const look = async () => {
    while (!ending.signal.aborted) {
      await rds.clock.sleep(LOOK_EVERY_MS, ending.signal)
      const seen = await askSource<Observation>(rds, instance, 'ObserveReplica', {}, ending.signal)
      if (seen.isSlotLost) ending.abort(walGivenUp())
    }
  }
  const looking = look().catch((error: unknown) => {
    // That the source is away for a moment does not end a start.
    if (!ending.signal.aborted && !mayPass(error)) ending.abort(error)
  })
  try {
    await start(ending.signal)
  } finally {
    signal.removeEventListener('abort', end)
    ending.abort(new Error('the replica has started'))
    await looking
  }
}

function parametersOf(rds: Rds, { record }: LiveInstance): Record<string, string> {
  return rds.parameterGroups.parametersOf(record.settings.parameterGroup)
}

/** Whether it may go better next time: when somebody was away, or WAL was given up. */
function mayPass(error: unknown): boolean {
  if (error instanceof ServerError) return true
  if (error instanceof RdsFault) return error.shape === 'InvalidDBInstanceStateFault'
  if (!(error instanceof LifeboatError)) return false
  return ['RegionUnreachable', 'DatabaseUnreachable', 'CredentialsRefused', 'WalGap'].includes(
    error.code,
  )
}

function walGivenUp(): LifeboatError {
  return new LifeboatError('WalGap', 'the source gave up WAL that the replica needs to begin with')
}
