import type { RecordSet } from '../../aws/route53.ts'
import { formatDuration } from '../../core/duration.ts'
import type { Runbook } from '../../runbook/runbook.ts'
import { ledAway, type PublicRecords } from '../failover-records.ts'
import { FENCE_FILES, RECORDS_AWAY, RECORDS_HOME } from '../runbooks/region-failure/by-hand.ts'
import type { DatabaseSource } from '../runbooks/region-failure/database-sources.ts'
import type { Foreseen } from './foresee.ts'

/** How long a bundle is trusted when nothing is known to have changed. */
export const GOOD_FOR_DAYS = 7

/** What somebody reads who has this folder and nothing else. */
export function readme(plan: Runbook, foreseen: Foreseen): string {
  const { workload, region, madeAt } = foreseen
  const { rtoSeconds, rpoSeconds } = workload.objectives
  const goodUntil = new Date(madeAt.getTime() + GOOD_FOR_DAYS * 86_400_000)
  const lines = [
    `# ${workload.region} is lost: bring ${workload.name} up in ${region} by hand`,
    '',
    `Made at ${madeAt.toISOString()} in world \`${foreseen.world}\`; good until ${goodUntil.toISOString().slice(0, 10)}, and no longer than names, records and instances stay as they are. Make it anew after every change, and keep it where it can be read when ${workload.region} and Lifeboat cannot: \`lifeboat runbook export ${plan.name} --to FOLDER\`.`,
    `Objectives: back within ${formatDuration(rtoSeconds)}, at most ${formatDuration(rpoSeconds)} of writes lost.`,
    '',
    '## Whom to call',
    '',
    ...contactLines(foreseen),
    '',
    '## How',
    '',
    'You need bash, the aws CLI, psql, curl for a write as a customer, and credentials in the environment that may change all that is named here.',
    'Nothing here asks anything of the region that is lost, but for lines marked `try`, which may fail. No file here holds a password: each login reads the copy of the secret in the recovery region.',
    '',
    '- One line after the other: paste `commands-WAY.sh` into bash in this folder. A `check` has to say `ok` before you go on.',
    '- All of it: `./run.sh`. It asks at both gates, stops at the first check that fails and says how to go on from there (`--from STEP`), and writes `break-glass.log`.',
    `- More than ${formatDuration(rpoSeconds)} would be lost: \`--accept-data-loss 10m\`, or \`ACCEPT_DATA_LOSS=600\` before the line. Counted is the time since the newest commit that is there, up to now: the longer you wait, the larger it looks.`,
    "- Something answers that should be dead: stop, and look. `--witness 'what somebody else has seen'` goes on.",
    '',
    'The ways, the fastest first:',
    '',
    ...foreseen.sources.map((source) => `- ${describeWay(source, foreseen)}`),
    ...foreseen.closed.map((why) => `- closed when this was made: ${why}`),
    '',
    '## In this order, and why',
    '',
    ...plan.steps.map(({ name, title, gate }, at) => {
      const asks = gate
        ? ` **${gate.kind === 'harm' ? 'Harm gate' : 'One-way gate'} before it.**`
        : ''
      return `${at + 1}. \`${name}\`: ${title}.${asks}`
    }),
    '',
    'The name is pinned first, so that customers are not led to a database that takes no writes. The fence and the loss come before the promotion, which nobody can take back. Customers are led there last, when a write was seen to succeed.',
    '',
    '## What is what',
    '',
    `- The old database: \`${workload.database.instance}\` in ${workload.region}, ${foreseen.primary.host}:${foreseen.primary.port}.`,
    ...foreseen.services.map(
      ({ cluster, service, desiredCount, tasks }) =>
        `- Service \`${service}\` of cluster \`${cluster}\` in ${region}: from ${desiredCount} to ${tasks} tasks.`,
    ),
    `- Secrets, by the same name in both regions: ${[...new Set([workload.database.secret, workload.database.adminSecret])].map((name) => `\`${name}\``).join(', ')}.`,
    ...workload.buckets.map(({ bucket, replica }) =>
      replica
        ? `- Bucket \`${bucket}\`; its objects are in \`${replica.bucket}\` in ${replica.region}, as far as they were replicated.`
        : `- Bucket \`${bucket}\` has no replica: its objects are lost for as long as the region is.`,
    ),
    ...recordLines(foreseen.records),
    '',
    '## What cannot be known before the day',
    '',
    '- How far the replica, or the backups, had come when the region died: `bound-loss` asks.',
    '- Which acknowledged writes are lost: without a record of them outside of the region nobody can count them. `before-promotion.txt` keeps what is needed to do so later.',
    ...(foreseen.sources.some(({ kind }) => kind !== 'replica')
      ? [
          '- The endpoint of a restored database: the lines ask for it. Its subnet group, security groups and parameter group are the defaults of the region unless you add them to the line.',
        ]
      : []),
    "- Whether Route 53's API answers: it is in us-east-1 for all regions. Where it does not, a record that hangs on health checks moves by itself.",
    '',
    `## When ${workload.region} is back`,
    '',
    `Its database may take writes that nobody will ever see. Where the step \`fence\` failed, fence it before anything else: log in (\`login SECRET ${region} ${foreseen.primary.host} ${foreseen.primary.port}\`) and run \`psql -f ${FENCE_FILES.fence}\`. Then take Lifeboat, or the people above, for the way home; \`${RECORDS_HOME}\` leads customers back when, and only when, all writes are there.`,
    '',
  ]
  return lines.join('\n')
}

function contactLines({ workload }: Foreseen): string[] {
  const { contacts } = workload
  if (!contacts) return ['Nobody is named: the workload file has no `contacts:`.']
  return [
    '| Who | Role | How |',
    '| --- | --- | --- |',
    ...contacts.map((one) => `| ${one.name} | ${one.role} | ${one.reach} |`),
  ]
}

function describeWay(source: DatabaseSource, { madeAt, region }: Foreseen): string {
  const file = `\`commands-${source.kind}.sh\``
  const newest = source.newestCommitAt
  const age =
    newest === null
      ? 'no commit seen yet'
      : `newest commit ${newest}, ${formatDuration(Math.max(0, (madeAt.getTime() - Date.parse(newest)) / 1000))} before this was made`
  switch (source.kind) {
    case 'replica':
      return `${file}: the replica \`${source.instance}\` in ${region}, ${source.endpoint.host}:${source.endpoint.port}, is promoted. Seen at LSN ${source.position}; ${age}.`
    case 'replicated-backups':
      return `${file}: a new instance \`${source.instance}\` is restored from replicated backups \`${source.backups}\`; ${age}.`
    case 'snapshot':
      return `${file}: a new instance \`${source.instance}\` is restored from the snapshot \`${source.snapshot}\`; ${age}.`
  }
}

function recordLines(records: PublicRecords | null): string[] {
  if (!records) return ['- No public name is known: lead customers there by hand.']
  const { zone, setup, home, homeCheck } = records
  return [
    `- \`${home.name}\` in hosted zone \`${zone}\` (${setup}): before, ${contentOf(home)}; after, ${contentOf(ledAway(records))} (\`${RECORDS_AWAY}\`).`,
    ...(homeCheck ? [`- Its health check: \`${homeCheck.id}\`.`] : []),
  ]
}

function contentOf({ type, content }: RecordSet): string {
  return content.kind === 'values'
    ? `${type} ${content.values.join(', ')}, TTL ${content.ttlSeconds} s`
    : `alias of ${content.target}`
}
