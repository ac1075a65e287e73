import { formatDuration } from '../core/duration.ts'
import { cell, section } from './markdown.ts'
import { whoWasTold } from './notifications/told.ts'
import type { Update } from './notifications/updates.ts'
import { type DataCorruptionOutputs, lossOf, timeOf } from './report.ts'
import type { DataCorruption, Journal, NamedStep } from './runbooks/data-corruption/tools.ts'

export interface Incident {
  readonly execution: string
  readonly world: string
  readonly input: DataCorruption
  readonly outputs: DataCorruptionOutputs
  readonly journal: Journal
  readonly updates: readonly Update[]
  readonly writtenAt: Date
}

/**
 * The incident as Markdown: what happened, when, what was lost, and what people still have to fill in. Holds
 * no credentials and no rows.
 */
export function incidentDocument(incident: Incident): string {
  const { input, outputs, world, execution } = incident
  const found = outputs.identify
  return [
    `# Incident: data corruption in ${input.workload.name}`,
    '',
    `Execution \`${execution}\` · world \`${world}\` · written ${incident.writtenAt.toISOString()}`,
    ...(world === 'embedded'
      ? ['', '> Rehearsed in an embedded region: the figures say nothing about an AWS workload.']
      : []),
    ...section('What happened', whatHappened(incident)),
    ...section('Timeline', timeline(incident)),
    ...section('Measured', measured(incident)),
    ...section('What was lost', whatWasLost(incident)),
    ...section('How it was proven', proof(outputs)),
    ...section('The new instance', newInstance(outputs)),
    ...(input.workload.buckets.length > 0 ? section('The buckets', buckets(outputs)) : []),
    ...section('The old instance', [
      found
        ? `\`${found.source.instance}\` is kept at \`${found.source.endpoint.host}:${found.source.endpoint.port}\`: ` +
          `protected from deletion, with no role that may write. Delete it when nobody needs it any more.`
        : 'It was not looked at.',
    ]),
    ...section('Who was told', whoWasTold(incident.updates)),
    ...section('Root cause', [
      '_To be written by a person._',
      '',
      '- Who or what ran the damaging statement, and from where?',
      '- Why was it able to?',
      '- Why did it take as long as it did to be seen?',
      '',
      'Owner: ____________ · Due: ____________',
    ]),
    ...section('Prevention', [
      '| Action | Owner | Due | Done |',
      '| --- | --- | --- | --- |',
      ...['', '', ''].map(() => '|  |  |  |  |'),
    ]),
    '',
  ].join('\n')
}

function whatHappened(incident: Incident): string[] {
  return [...whatWasFound(incident), ...takenOver(incident)]
}

function takenOver({ journal }: Incident): string[] {
  const { takenOver: taken } = journal.lock ?? {}
  if (!taken) return []
  const { execution, user, host, since } = taken.from
  return [
    `- At ${taken.at} ${taken.by} took the workload over from execution \`${execution}\` of ${user} on ${host}, which had owned it since ${since}: ${taken.reason}. What that execution had begun is not in this document.`,
  ]
}

function whatWasFound({ outputs }: Incident): string[] {
  const found = outputs.identify
  if (!found) return ['Nothing was identified.']
  const { suspect, recoveryPoint, firstBad } = found
  return [
    `- Every check passed for the last time at ${found.lastGoodAt ?? 'an unknown moment'}.`,
    firstBad
      ? `- \`${firstBad.check}\` failed for the first time at ${firstBad.seenAt}: ${firstBad.reason}.`
      : '- No check failed; a person started the recovery.',
    suspect
      ? `- Transaction ${suspect.transaction.ids.join(', ')} is the suspect: ${suspect.because}.`
      : '- No transaction stands out.',
    `- The damage was committed ${between(recoveryPoint.damagedAt)}.`,
    `- The database went back to **${recoveryPoint.time}** (${recoveryPoint.how}, ${recoveryPoint.certainty}): ${recoveryPoint.explanation}.`,
  ]
}

function between({ from, to }: { from: string | null; to: string | null }): string {
  if (from === null && to === null) return 'at an unknown moment'
  if (from === to) return `at ${from}`
  return `between ${from ?? 'an unknown moment'} and ${to ?? 'an unknown moment'}`
}

/** Moments of the damage by the database's clock, of the steps by ours. */
function timeline({ outputs, journal }: Incident): string[] {
  const found = outputs.identify
  const moments: { at: string; what: string }[] = []
  const add = (at: Date | string | null | undefined, what: string) => {
    if (at) moments.push({ at: new Date(at).toISOString(), what })
  }
  add(found?.lastGoodAt, 'every check passes for the last time')
  if (found?.suspect) {
    add(found.suspect.transaction.committedAt, `the damage is committed (${found.suspect.because})`)
  }
  add(found?.firstBad?.seenAt, `check fails: ${found?.firstBad?.check}`)
  add(journal.startedAt, 'the recovery starts')
  for (const step of journal.steps) addStep(step, add)
  add(outputs.switch?.switchedAt, 'the secret points to the new instance')
  add(outputs.switch?.firstWriteAt, 'first verified write on the new instance')
  const ordered = moments.toSorted((a, b) => (a.at < b.at ? -1 : 1))
  return [
    '| Time (UTC) | What |',
    '| --- | --- |',
    ...ordered.map(({ at, what }) => `| ${at} | ${cell(what)} |`),
  ]
}

function addStep(step: NamedStep, add: (at: Date | string, what: string) => void): void {
  const { title, gate, attempts } = step
  if (gate) {
    add(gate.askedAt, `asked for approval: ${title}`)
    if (gate.approvedAt) add(gate.approvedAt, `approved: ${title}`)
  }
  attempts.forEach((attempt, index) => {
    add(attempt.startedAt, `${title} (begins${index > 0 ? `, attempt ${index + 1}` : ''})`)
    if (attempt.endedAt) {
      add(
        attempt.endedAt,
        `${title} (${attempt.error ? `fails: ${wordsOf(attempt.error)}` : 'ends'})`,
      )
    }
  })
  if (step.status === 'skipped')
    add(attempts.at(-1)?.endedAt ?? '', `${title} (skipped: ${step.reason})`)
}

function wordsOf(error: unknown): string {
  if (typeof error === 'string') return error
  const message = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : ''
  return String(message ?? '')
}

function measured({ input, outputs, journal }: Incident): string[] {
  const time = timeOf(journal, outputs)
  const { rtoSeconds } = input.workload.objectives
  const bounds = (pair: readonly [number | null, number | null] | undefined) =>
    pair ? `${seconds(pair[0])} to ${seconds(pair[1])}` : 'unknown'
  return [
    '| Figure | Measured |',
    '| --- | --- |',
    `| Exposure (damage to first verified write) | ${time.exposureSeconds === null ? bounds(time.exposureBoundsSeconds) : seconds(time.exposureSeconds)} |`,
    `| Detect | ${time.detectSeconds === null ? bounds(time.detectBoundsSeconds) : seconds(time.detectSeconds)} |`,
    `| Decide | ${seconds(time.decideSeconds)} |`,
    `| Execute | ${seconds(time.executeSeconds)} |`,
    `| Verify | ${seconds(time.verifySeconds)} |`,
    `| **Recovery time** (decide + execute + verify; objective ${formatDuration(rtoSeconds)}) | **${seconds(time.totalSeconds)}** |`,
  ]
}

const seconds = (value: number | null) => (value === null ? 'unknown' : formatDuration(value))

function whatWasLost({ input, outputs }: Incident): string[] {
  const loss = lossOf(input, outputs)
  const { salvage, 'put-back': putBack } = outputs
  return [
    loss.writes === null
      ? '- Acknowledged writes: **unknown**; nobody kept a record of them outside of the database.'
      : `- Of ${loss.acknowledged} acknowledged writes, **${loss.writes}** are gone; the oldest was ${seconds(loss.oldestSeconds)} old when writes were stopped (objective ${formatDuration(input.workload.objectives.rpoSeconds)}). Counted against \`${input.ledger?.path}\`.`,
    ...(loss.database && loss.objects
      ? [
          `- By store: ${loss.database.writes} of ${loss.database.acknowledged} rows and ${loss.objects.writes} of ${loss.objects.acknowledged} objects.`,
        ]
      : []),
    ...(salvage
      ? [
          `- Good rows that only the old instance had: ${salvage.salvaged}; put back: ${putBack?.rows ?? 0}. \`${salvage.paths.salvage}\``,
          `- Conflicts left to a person: ${salvage.conflicts}. \`${salvage.paths.conflicts}\``,
          `- Rows of which no good form is left: ${salvage.lost}. \`${salvage.paths.lost}\``,
          ...(salvage.withoutKey.length > 0
            ? [`- Not compared, for want of a primary key: ${salvage.withoutKey.join(', ')}.`]
            : []),
        ]
      : ['- Rows of the old instance were not compared.']),
  ]
}

function proof({
  'stop-writes': fenced,
  verify,
  switch: switched,
}: DataCorruptionOutputs): string[] {
  return [
    ...(fenced
      ? [
          `- Writes were stopped: ${fenced.proof.refusedWrites} writes as ${fenced.proof.roles.join(', ')} were refused, ${fenced.endedSessions} sessions ended.`,
        ]
      : ['- Writes were not proven to be stopped.']),
    ...(verify
      ? [
          `- Checks on the restored database: ${verify.checks.map((check) => `${check.check} (${check.state})`).join(', ')}.`,
          `- Row counts: ${verify.rowCounts.map((one) => `${one.table} ${one.rows} (${one.least} to ${one.most})`).join(', ')}.`,
          `- Orphans of ${Object.keys(verify.orphans).length} foreign keys: ${Object.values(verify.orphans).reduce((sum, one) => sum + one, 0)}.`,
          `- On the damaged copy these failed, as they must: ${[...verify.control.failedAsTheyMust, ...Object.keys(verify.control.madeToFail)].join(', ')}; ${verify.control.countsThatCanFail.length} row counts and ${verify.control.foreignKeysThatCanFail.length} foreign keys too.`,
          ...(verify.control.countsThatCannotFail.length > 0
            ? [
                `- Row counts that prove nothing, because an empty table would pass: ${verify.control.countsThatCannotFail.join(', ')}.`,
              ]
            : []),
          ...(verify.uncounted.length > 0
            ? [`- Row counts that are unknown: ${verify.uncounted.join(', ')}.`]
            : []),
        ]
      : ['- The restored data was **not verified**.']),
    ...(switched
      ? [
          `- After the switch ${switched.sessionsOnRestored} sessions were on the new instance, a write arrived at ${switched.firstWriteAt}, and none was left on the old one.`,
        ]
      : ['- Consumers were not moved.']),
  ]
}

function buckets({
  'restore-objects': restored,
  'verify-objects': verified,
  'put-objects-back': returned,
}: DataCorruptionOutputs): string[] {
  if (!restored) return ['They were **not brought back**.']
  return [
    ...restored.buckets.map(
      (one) =>
        `- \`${one.bucket}\`: ${one.copies} objects came back or were replaced, ${one.deleteMarkers} newer ones were hidden, ${one.unchanged} were what they were. No version was destroyed: what was in front until ${restored.begunAt} can be put in front again.`,
    ),
    ...(verified?.references ?? []).map(
      ({ name, keys, madeToFail }) =>
        `- ${name}: each of ${keys} objects that rows of the restored database point at was there; ${madeToFail === null ? '**no row points at any, so that this proves nothing**' : `the comparison was seen to fail (${madeToFail})`}.`,
    ),
    ...(verified ? [] : ['- Rows and objects were **not compared**.']),
    ...(returned?.references ?? []).map(
      ({ name, keys, returned: objects }) =>
        `- ${name}, after rows were put back: ${objects} hidden objects were brought back for them; each of ${keys} was there.`,
    ),
  ]
}

function newInstance({ restore, 're-arm': rearmed, protect }: DataCorruptionOutputs): string[] {
  if (!restore) return ['There is none.']
  const differences = rearmed?.remaining ?? []
  return [
    `- \`${restore.instance}\` at \`${restore.endpoint.host}:${restore.endpoint.port}\`.`,
    ...(restore.isPasswordReset
      ? ['- Its password was the one of that moment and was set to what the secret holds.']
      : []),
    ...(rearmed
      ? [
          `- Put back after the restore: ${rearmed.repaired.map(({ what }) => what).join(', ') || 'nothing'}.`,
        ]
      : ['- It was **not re-armed**.']),
    ...differences.map(
      (one) => `- Still differs: ${one.what} is ${one.restored}, was ${one.source}.`,
    ),
    protect
      ? `- Protected again: it can be restored to ${protect.latestRestorableTime}.`
      : '- **Not protected yet.**',
  ]
}
