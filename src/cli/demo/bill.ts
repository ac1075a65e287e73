import type { RecoveryReport } from '../../recovery/report.ts'
import { describeReport } from '../report-view.ts'

/** What `lifeboat demo --json` prints: enough for anybody to count again. */
export interface DemoReport extends RecoveryReport {
  /** The demo's own home, which is there only when it was kept. */
  readonly home: string
  readonly isKept: boolean
  /** Of the loss of a region: how the workload came home. */
  readonly failback?: RecoveryReport
  /** How long the whole demo took. */
  readonly demoSeconds: number
}

/** The closing report for people, with three commands worth trying next. */
export function describeBill(report: DemoReport): string {
  return [
    '',
    describeReport(report),
    ...(report.failback ? ['', 'The way home', describeReport(report.failback)] : []),
    '',
    'Worth trying next:',
    ...nextCommands(report).map((command) => `  ${command}`),
  ].join('\n')
}

function nextCommands({ home, isKept, execution, incidentFile }: DemoReport): string[] {
  if (!isKept) {
    return [
      `less ${incidentFile}`,
      'npm run demo -- --keep                  # the region stays, to look around',
      'npx lifeboat region start --detach      # an empty region of your own',
    ]
  }
  return [
    `npx lifeboat execution show ${execution} --home ${home}`,
    `eval "$(npx lifeboat region env --home ${home})"; aws rds describe-db-instances`,
    `npx lifeboat region stop --home ${home}; rm -rf ${home}`,
  ]
}
