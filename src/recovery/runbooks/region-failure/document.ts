import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatDuration } from '../../../core/duration.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { describeSignals } from '../../detection/signals.ts'
import { cell, section } from '../../markdown.ts'
import { whoWasTold } from '../../notifications/told.ts'
import type { Update } from '../../notifications/updates.ts'
import type { Journal, RecoveryTools } from '../data-corruption/tools.ts'
import { act, check, type FailoverFacts, quoted } from './by-hand.ts'
import { hasFenceDebt } from './fence-primary.ts'
import { failoverLoss, failoverTime, type RegionFailureOutputs } from './report.ts'
import type { RegionFailure } from './tools.ts'

/** Writes the incident document; safe to call again. */
export async function documentFailover(
  input: RegionFailure,
  outputs: RegionFailureOutputs,
  tools: RecoveryTools,
  execution: string,
): Promise<{ readonly incidentFile: string }> {
  const folder = join(input.incidentFolder, execution)
  const incidentFile = join(folder, 'incident.md')
  const journal = await tools.journal(execution)
  const updates = await tools.updates(execution)
  const writtenAt = tools.clock.now()
  const text = failoverDocument({ execution, input, outputs, journal, updates, writtenAt })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(incidentFile, text, { mode: 0o600 })
  return { incidentFile }
}

interface Failover {
  readonly execution: string
  readonly input: RegionFailure
  readonly outputs: RegionFailureOutputs
  readonly journal: Journal
  readonly updates: readonly Update[]
  readonly writtenAt: Date
}

/** The incident as Markdown, with what people still have to fill in. Holds no credentials and no rows. */
export function failoverDocument(failover: Failover): string {
  const { input, outputs, execution, writtenAt } = failover
  const { workload } = input
  const world = outputs.readiness?.world ?? 'unknown'
  return [
    `# Incident: ${workload.region} is lost to ${workload.name}`,
    '',
    `Execution \`${execution}\` · world \`${world}\` · written ${writtenAt.toISOString()}`,
    ...(world === 'embedded'
      ? ['', '> Rehearsed in embedded regions: the figures say nothing about an AWS workload.']
      : []),
    ...section(
      'What was seen',
      outputs.confirm ? seen(outputs.confirm) : ['Nothing was confirmed.'],
    ),
    ...section('Timeline', timeline(failover)),
    ...section('Measured', measured(failover)),
    ...section('What was lost', lost(outputs)),
    ...section('The old database', oldDatabase(failover)),
    ...section(
      'The way home',
      (outputs['plan-failback']?.steps ?? []).map((step, i) => `${i + 1}. ${step}`),
    ),
    ...section('Who was told', whoWasTold(failover.updates)),
    ...section('Root cause', [
      '_To be written by a person._',
      '',
      'Owner: ____________ · Due: ____________',
    ]),
    '',
  ].join('\n')
}

function seen({ because, signals }: NonNullable<RegionFailureOutputs['confirm']>): string[] {
  return [`Decided because ${because}.`, '', ...describeSignals(signals).map((line) => `- ${line}`)]
}

function timeline({ outputs, journal }: Failover): string[] {
  const moments: { at: string; what: string }[] = []
  const add = (at: Date | string | null | undefined, what: string) => {
    if (at) moments.push({ at: new Date(at).toISOString(), what })
  }
  add(outputs['bound-loss']?.lastServedAt, 'the last write is acknowledged')
  add(journal.startedAt, 'the failover starts')
  for (const { title, gate, attempts } of journal.steps) {
    add(gate?.approvedAt, `approved: ${title}`)
    add(attempts.at(-1)?.endedAt, title)
  }
  add(outputs.promote?.writableAt, 'the new database takes writes')
  add(outputs.dns?.firstWriteAt, 'first write through the public name')
  const ordered = moments.toSorted((a, b) => (a.at < b.at ? -1 : 1))
  return [
    '| Time (UTC) | What |',
    '| --- | --- |',
    ...ordered.map(({ at, what }) => `| ${at} | ${cell(what)} |`),
  ]
}

function measured({ input, outputs, journal }: Failover): string[] {
  const { steps, startedAt } = journal
  const time = failoverTime({ startedAt, steps }, outputs)
  const words = (seconds: number | null) => (seconds === null ? 'unknown' : formatDuration(seconds))
  const { rtoSeconds, rpoSeconds } = input.workload.objectives
  return [
    `- Recovery time ${words(time.totalSeconds)} (objective ${words(rtoSeconds)}): decide ${words(time.decideSeconds)}, execute ${words(time.executeSeconds)}, verify ${words(time.verifySeconds)}.`,
    `- Exposure ${words(time.exposureSeconds)}, from the last acknowledged write to the first one through the public name.`,
    `- Data loss ${words(failoverLoss(outputs).oldestSeconds)} (objective ${words(rpoSeconds)}).`,
  ]
}

function lost(outputs: RegionFailureOutputs): string[] {
  const { writes, acknowledged, database, objects } = failoverLoss(outputs)
  const bound = outputs['bound-loss']
  const announced = bound?.count
    ? `${bound.count.lost + bound.count.altered} writes`
    : 'not counted'
  if (writes === null)
    return [`Nobody kept a record of acknowledged writes. ${bound?.explanation ?? ''}`]
  return [
    `- ${writes} of ${acknowledged} acknowledged writes; announced before the promotion: ${announced}.`,
    ...(database ? [`- Rows: ${database.writes} of ${database.acknowledged}.`] : []),
    ...(objects ? [`- Objects: ${objects.writes} of ${objects.acknowledged}.`] : []),
  ]
}

function oldDatabase({ input, outputs }: Failover): string[] {
  const { fence, 'drain-primary': drain } = outputs
  const { instance } = input.workload.database
  if (!fence) return ['It was not fenced.']
  const { grade, why, endpoint } = fence
  const place = `\`${instance}\` at \`${endpoint.host}:${endpoint.port}\``
  return [
    `Fence of ${place}: **${grade}** (${why}).`,
    ...(hasFenceDebt(fence)
      ? [
          '',
          'When it answers again it takes writes: it has to be fenced before anything else. `lifeboat watch` does so, and writes out what it had accepted.',
        ]
      : []),
    ...(drain?.unreached ?? []).flatMap(({ service, why }) => [
      '',
      `Nobody knows whether \`${service}\` still runs there (${why}): whoever holds a connection to it stays there until it ends.`,
    ]),
  ]
}

export function documentByHand({ workload, source }: FailoverFacts): TypedLine[] {
  const words = `${workload.name} is served from '${source.instance}'`
  return [
    act(
      'keep this folder: it is the record of what was done',
      `echo ${quoted(words)} since "$(date -u +%FT%TZ)" | tee recovered.txt`,
    ),
    check('what was there before the promotion is kept', '[ -s before-promotion.txt ]'),
  ]
}
