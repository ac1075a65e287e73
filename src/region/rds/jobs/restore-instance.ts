import { assert } from '../../../core/assert.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { Protection } from '../../../postgres/protection.ts'
import type { RecoveryTarget } from '../../../postgres/recovery-target.ts'
import type { EventName } from '../events.ts'
import type { InstanceFacts, Origin } from '../instance.ts'
import type { Work } from '../live-instance.ts'
import { serverSettings, withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { openSnapshot } from '../snapshot-store.ts'
import { beginToServe } from './begin-to-serve.ts'

interface Source {
  readonly facts: InstanceFacts
  readonly protection: Protection
  readonly to: RecoveryTarget
  readonly event: EventName
  readonly name: string
  close(): Promise<void>
}

/** `creating`: makes the instance from the backups that its origin names, from nothing, also after a kill. */
export function restoreInstance(rds: Rds): Work {
  return async (instance, signal) => {
    const { record, server } = instance
    const parameters = rds.parameterGroups.parametersOf(record.settings.parameterGroup)
    await server.removeData()
    const source = await openSource(rds, record.origin)
    // Replaying WAL needs as much room as its writer ever had; the group's own values come after it.
    const minimums = withRecoveryMinimums(source.facts.recoveryMinimums, parameters)
    const roomy = { ...parameters, ...texts(minimums) }
    try {
      const cluster = await source.protection.restore({
        to: source.to,
        into: server.dataDirectory,
        binaries: server.binaries,
        superuser: server.superuser,
        settings: serverSettings(roomy),
        signal,
        ...(record.port === undefined ? {} : { port: record.port }),
      })
      await server.adopt(cluster)
    } finally {
      await source.close()
    }
    signal.throwIfAborted()
    if (needsLess(parameters, source.facts)) {
      await server.stop('fast')
      await server.start(parameters, { port: server.cluster.port })
    } else {
      await server.reconfigure(parameters)
    }
    const { event, name } = source
    await beginToServe(rds, instance, signal, { parameters, event, about: name })
  }
}

async function openSource(rds: Rds, origin: Origin): Promise<Source> {
  assert(origin.kind !== 'new' && origin.kind !== 'replica', 'a restored instance has a source')
  if (origin.kind === 'point in time') {
    const facts = rds.findFacts(origin.source)
    if (!facts) throw gone(`the automated backups of '${origin.source}'`)
    return {
      facts,
      protection: await rds.backups.open(facts),
      to: { time: new Date(origin.time) },
      event: 'restored to time',
      name: `${facts.identifier} as of ${origin.time}`,
      close: async () => undefined,
    }
  }
  const snapshot = rds.snapshots.findByResourceId(origin.snapshot)
  if (!snapshot?.backup) throw gone(`the snapshot '${origin.snapshot}'`)
  const isManual = snapshot.type === 'manual'
  const protection = isManual
    ? await openSnapshot(rds, snapshot)
    : await rds.backups.open(snapshot.instance)
  return {
    facts: snapshot.instance,
    protection,
    to: { backup: snapshot.backup },
    event: 'restored from snapshot',
    name: snapshot.identifier,
    close: async () => {
      if (isManual) await protection.close()
    },
  }
}

/** Whether the server ran the replay with more room than its group gives it. */
function needsLess(parameters: Readonly<Record<string, string>>, facts: InstanceFacts): boolean {
  const own = withRecoveryMinimums({}, parameters)
  return Object.entries(facts.recoveryMinimums).some(([name, value]) => value > (own[name] ?? 0))
}

function texts(values: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}

function gone(what: string) {
  return new LifeboatError('RestoreFailed', `${what} went away before they were restored`)
}
