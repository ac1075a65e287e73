import { formatDuration } from '../core/duration.ts'
import type { RecoveryReport } from '../recovery/report.ts'

/** From when to when customers were harmed. */
const EXPOSURE: Readonly<Record<string, string>> = {
  'data-corruption': 'from the damaging commit to the first good write',
  'region-failure': 'from the last acknowledged write to the first one in the other region',
  failback: 'from where writes were stopped to the first one at home',
}

/** What a recovery was and what it cost, for people. */
export function describeReport(report: RecoveryReport): string {
  const { recoveryTime: time, dataLoss, source, restored } = report
  return [
    `Verdict: ${report.verdict}${report.isProtected ? '' : ', unprotected: no recovery point yet'}`,
    `  exposure       ${long(time.exposureSeconds)}  ${EXPOSURE[report.runbook] ?? EXPOSURE['data-corruption']}`,
    `  recovery time  ${long(time.totalSeconds)}  decide ${short(time.decideSeconds)} · execute ${short(time.executeSeconds)} · verify ${short(time.verifySeconds)}; detected after ${short(time.detectSeconds)}`,
    `  data loss      ${describeLoss(dataLoss)}`,
    ...describeStores(dataLoss),
    ...describeFailover(report),
    `  world          ${report.world}${report.world === 'embedded' ? ': this shows that the runbook works, and no figure of AWS' : ''}`,
    `  incident       ${report.incidentFile ?? 'not written'}`,
    ...(report.ledgerFile ? [`  ledger         ${report.ledgerFile}`] : []),
    ...(restored ? [`  restored       ${restored.instance} at ${restored.endpoint}`] : []),
    ...(source
      ? [`  old instance   ${source.instance} is kept at ${source.endpoint}, ${fenceWords(report)}`]
      : []),
  ].join('\n')
}

/** What was said before anything was given up, beside what was lost. */
function describeFailover({ announcedLoss, recoveryTime }: RecoveryReport): string[] {
  if (!announcedLoss) return []
  const { writes, seconds } = announcedLoss
  const time = seconds === null ? 'an unknown time' : formatDuration(seconds)
  const { fromApprovalSeconds } = recoveryTime
  return [
    `  from approval  ${long(fromApprovalSeconds)}  from the last gate to the first verified write through the public name`,
    `  announced      ${writes === null ? '' : `${writes} writes, `}${time}, before the promotion`,
  ]
}

function fenceWords({ fence }: RecoveryReport): string {
  if (fence === null || fence === 'proven') return 'fenced'
  return fence === 'remote'
    ? 'its services stopped'
    : `not fenced (${fence}): fence it before it answers`
}

function describeLoss({
  writes,
  salvaged,
  oldestSeconds,
  acknowledged,
}: RecoveryReport['dataLoss']) {
  const putBack = `${salvaged.toLocaleString('en-US')} rows were put back from the old instance`
  if (writes === null) return `not counted: nobody kept a record of acknowledged writes; ${putBack}`
  const age = oldestSeconds ? `, the oldest ${formatDuration(oldestSeconds)} old` : ''
  return `${writes} of ${acknowledged?.toLocaleString('en-US') ?? '?'} acknowledged writes${age}; ${putBack}`
}

/** Each store for itself, where writes went to two. */
function describeStores({ database, objects }: RecoveryReport['dataLoss']): string[] {
  if (!database || !objects) return []
  const lost = ({ writes, acknowledged }: typeof database) =>
    `${writes} of ${acknowledged?.toLocaleString('en-US') ?? '?'}`
  return [`                 ${lost(database)} rows, ${lost(objects)} objects`]
}

const short = (seconds: number | null) => (seconds === null ? 'unknown' : formatDuration(seconds))
const long = (seconds: number | null) => short(seconds).padEnd(7)
