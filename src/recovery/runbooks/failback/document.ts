import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JointLossCount } from '../../loss.ts'
import { whoWasTold } from '../../notifications/told.ts'
import type { Update } from '../../notifications/updates.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import type { LossBound } from '../region-failure/bound-loss.ts'
import type { Fenced } from '../region-failure/fence-primary.ts'
import type { MovedDns } from '../region-failure/move-dns.ts'
import type { Promoted } from '../region-failure/promote.ts'
import type { ProtectedThere } from '../region-failure/protect-recovered.ts'
import type { Backfilled, FoundRules, TurnedRules } from './object-rules.ts'
import type { ObjectsHome } from './objects-home.ts'
import type { Divergence, Quarantined } from './quarantine.ts'
import type { StandbyAgain } from './standby-again.ts'
import type { Failback } from './tools.ts'

/** What the steps of `failback` have found out; a step that has not run, or was skipped, is missing. */
export interface FailbackOutputs {
  readonly quarantine?: Quarantined
  readonly salvage?: Divergence | null
  readonly 'find-rules'?: { readonly home: readonly FoundRules[] }
  readonly rules?: TurnedRules
  readonly replicate?: { readonly buckets: readonly Backfilled[] }
  readonly objects?: ObjectsHome
  readonly 'stop-writes'?: Fenced
  readonly 'last-objects'?: ObjectsHome
  readonly prove?: LossBound
  readonly promote?: Promoted
  readonly dns?: MovedDns
  readonly 'count-loss'?: JointLossCount | null
  readonly protect?: ProtectedThere
  readonly standby?: StandbyAgain
  readonly document?: { readonly incidentFile: string }
}

/** Writes down how the workload came home; safe to call again. */
export async function documentFailback(
  input: Failback,
  outputs: FailbackOutputs,
  tools: RecoveryTools,
  execution: string,
): Promise<{ readonly incidentFile: string }> {
  const folder = join(input.incidentFolder, execution)
  const incidentFile = join(folder, 'failback.md')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const told = { updates: await tools.updates(execution), writtenAt: tools.clock.now() }
  const text = failbackDocument(input, outputs, execution, told)
  await writeFile(incidentFile, text, { mode: 0o600 })
  return { incidentFile }
}

function failbackDocument(
  { workload, failover }: Failback,
  outputs: FailbackOutputs,
  execution: string,
  { updates, writtenAt }: { updates: readonly Update[]; writtenAt: Date },
): string {
  const { quarantine, salvage, standby, prove, promote, dns } = outputs
  const objects = outputs['last-objects']
  const stopped = outputs['stop-writes']
  const { instance } = workload.database
  return [
    `# ${workload.name} is home in ${workload.region}`,
    '',
    `Execution \`${execution}\` after failover \`${failover.execution}\` · written ${writtenAt.toISOString()}`,
    '',
    '## What only the old database has',
    '',
    quarantine?.endpoint
      ? `\`${instance}\` is kept at \`${quarantine.endpoint.host}:${quarantine.endpoint.port}\`, fenced at ${quarantine.fencedAt} and protected from deletion.`
      : `\`${instance}\` did not come back.`,
    ...(salvage
      ? [
          '',
          `- ${salvage.salvaged} rows that are nowhere else: \`${salvage.paths.salvage}\``,
          `- ${salvage.conflicts} rows that differ: \`${salvage.paths.conflicts}\``,
          ...salvage.withoutKey.map(
            (table) => `- ${table} has newer rows and no primary key: compare by hand`,
          ),
          '',
          'Nothing of it was merged: a person decides.',
        ]
      : []),
    ...(objects?.listFile
      ? ['', `Objects that only the old region has: \`${objects.listFile}\``]
      : []),
    '',
    '## How it came home',
    '',
    `- Writes were stopped at ${stopped?.fencedAt ?? 'an unknown time'}; ${prove?.explanation ?? 'nothing was proven'}.`,
    `- \`${promote?.instance}\` takes writes since ${promote?.writableAt}; customers since ${dns?.firstWriteAt}.`,
    ...objectsHow(outputs),
    ...(standby ? [whatStands(standby, failover.ready.region)] : []),
    '',
    '## Who was told',
    '',
    ...whoWasTold(updates),
    '',
    '## What to change in the workload file',
    '',
    `\`database: { ${databaseLine(standby)} }\` (\`lifeboat workload update\` does it)`,
    '',
    `Delete \`${instance}\` and \`${failover.promoted.instance}\` when nobody needs them any more; neither takes writes.`,
    '',
  ].join('\n')
}

function whatStands({ standby, hasBackups }: StandbyAgain, region: string): string {
  const stands = [
    ...(standby ? [`the read replica \`${standby}\``] : []),
    ...(hasBackups ? ['the replicated backups of the database at home'] : []),
  ]
  const words = stands.join(' and ') || 'nothing of the database: copy its snapshots there'
  return `- In ${region} there is again: ${words}.`
}

/** How each bucket came home, and what the comparison found in the end. */
function objectsHow(outputs: FailbackOutputs): string[] {
  const { replicate, standby } = outputs
  const copied = sum(outputs, 'copied')
  const hidden = sum(outputs, 'hidden')
  const backfills = [...(replicate?.buckets ?? []), ...(standby?.backfilled ?? [])]
  return [
    ...(outputs['find-rules']?.home ?? []).map((found) => wayOf(found)),
    ...(copied + hidden > 0
      ? [
          `- ${copied} objects were copied home by Lifeboat, under new version ids, and ${hidden} deletions repeated there.`,
        ]
      : []),
    ...(outputs.rules?.faults ?? []).map(
      (fault) => `- The rules home were not turned on: ${fault}.`,
    ),
    ...(standby?.turned.faults ?? []).map(
      (fault) =>
        `- The rules home were not turned off again, which is to be done by hand: ${fault}.`,
    ),
    ...backfills.flatMap(({ bucket, fault }) =>
      fault === null ? [] : [`- The backfill of \`${bucket}\` did not do all: ${fault}.`],
    ),
    ...(standby?.compared ?? []).map(
      ({ bucket, versions, missingAway, onlyAway }) =>
        `- At the end \`${bucket}\` had ${versions} versions; ${missingAway} of them, with what customers were just writing, were not in its replica, which had ${onlyAway} others.`,
    ),
  ]
}

function wayOf({ bucket, enabled, disabled, fault }: FoundRules): string {
  if (fault !== null) return `- Whether S3 could bring \`${bucket}\` home is not known: ${fault}.`
  return enabled.length + disabled.length === 0
    ? `- Objects of \`${bucket}\` came home as copies, under new version ids: its replica has no rule that leads back (\`lifeboat objects rules-home --bucket ${bucket}\` prints one).`
    : `- Objects of \`${bucket}\` came home by the rules of its replica, with their version ids.`
}

function databaseLine(standby: StandbyAgain | undefined): string {
  const named = Object.entries(standby?.workloadFile ?? {})
  return named.map(([key, value]) => `${key}: ${value}`).join(', ')
}

function sum(outputs: FailbackOutputs, what: 'copied' | 'hidden'): number {
  return (outputs.objects?.[what] ?? 0) + (outputs['last-objects']?.[what] ?? 0)
}
