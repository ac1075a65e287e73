import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatDuration } from '../core/duration.ts'
import { ERRORS } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import type { CheckResult, CheckState } from '../recovery/checks.ts'
import { type Monitor, worstState } from '../recovery/monitor.ts'
import type { CanaryTravel } from '../recovery/objects/canary.ts'
import {
  canariesOf,
  hearingOf,
  monitorOf,
  type NotificationSurroundings,
  regionRoundsOf,
  summary,
  type Workload,
  watchNoticesOf,
  writeLedgerOf,
} from '../recovery/recovery.ts'
import type { ReplicatedBucket } from '../recovery/workload.ts'
import { startWitnessServer, type WitnessServer } from '../server/witness-server.ts'
import type { WatchOptions } from './commands/watch.ts'
import { withExecutive } from './executive.ts'
import type { Invocation } from './invocation.ts'
import { ledgerPath, recoverWorkload } from './recover-workload.ts'
import { describeReport } from './report-view.ts'
import { withRegion } from './workload-region.ts'

const LOOK_EVERY_MS = 100
const SIGNS = { passed: '✔', failed: '✘', unknown: '?' } as const

/** Watches until it is interrupted, or with `once` until there was something to do. */
export async function watchWorkload(invocation: Invocation, options: WatchOptions): Promise<void> {
  await withRegion(invocation, options, ({ workload, region, reach, nameServer }) =>
    withExecutive(invocation, { isLong: true }, async ({ database, executions, telling }) => {
      const { output, clock, signal } = invocation
      const around = { region, reach, database, clock }
      const tell = changesTeller(workload, (line) => output.say(line))
      const notices = watchNoticesOf(workload, telling, (line) => output.say(line))
      const monitor = await monitorOf(workload, around, (results) => {
        tell(results)
        notices.checks(results)
      })
      const canaries = await canariesOf(
        workload,
        around,
        travelsTeller((line) => output.say(line)),
      )
      const rounds = await regionRoundsOf(
        workload,
        { ...around, nameServer, random: systemRandom },
        {
          executions,
          incidentFolder: invocation.home.incidents,
          say: (line) => output.say(line),
          notices,
        },
      )
      const ledger = options.writeLedger
        ? await writeLedgerOf(workload, await readyLedgerPath(invocation, workload), around)
        : undefined
      const witnesses = await hearWitnesses(invocation, workload, telling, options.witnessPort)
      output.say(`watching ${workload.name}: ${workload.checks.length} checks; Ctrl-C ends it`)
      monitor.start()
      canaries.start()
      rounds.start()
      ledger?.start()
      try {
        for (;;) {
          // Objects alone are brought back by a command of their own, without another database.
          const state = options.start
            ? () => stateOfDatabase(monitor, workload)
            : () => monitor.state
          await untilState(invocation, state, 'failed')
          if (options.start) {
            const order = { executions, workload, runbook: 'data-corruption', invocation }
            const report = summary(await recoverWorkload(order, options))
            if (options.once) return output.result(report, describeReport(report))
            output.say(describeReport(report))
          } else if (options.once) {
            output.result({ state: 'failed', checks: monitor.results }, 'a check is red')
            process.exitCode = ERRORS.RestoreNotVerified.exit
            return
          }
          await untilState(invocation, () => monitor.state, 'passed')
          signal.throwIfAborted()
        }
      } finally {
        await witnesses?.close()
        await monitor.stop()
        await canaries.stop()
        await rounds.stop()
        await ledger?.stop()
        await notices.close()
      }
    }),
  )
}

/** Nobody is heard when no port is named. */
async function hearWitnesses(
  { output }: Invocation,
  workload: Workload,
  telling: NotificationSurroundings,
  port: number | undefined,
): Promise<WitnessServer | undefined> {
  if (port === undefined) return undefined
  const hearing = await hearingOf(workload, telling)
  const server = await startWitnessServer({
    ...{ port, ...hearing },
    onError: ({ message }) => output.say(`? a witness was not heard: ${message}`),
  })
  const names = [...hearing.keys.keys()].join(', ')
  output.say(`hearing ${names} at http://127.0.0.1:${server.port}/witnesses/NAME`)
  return server
}

function stateOfDatabase({ results }: Monitor, { checks }: Workload): CheckState {
  const names = new Set(checks.map(({ name }) => name))
  return worstState(results.filter(({ check }) => names.has(check)))
}

async function untilState(
  { clock, signal }: Invocation,
  state: () => CheckState,
  wanted: CheckState,
): Promise<void> {
  while (state() !== wanted) await clock.sleep(LOOK_EVERY_MS, signal)
}

async function readyLedgerPath({ home }: Invocation, workload: Workload): Promise<string> {
  const path = ledgerPath(home, workload)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  return path
}

/** A line for each check whose state is not what it was. */
function changesTeller(
  workload: Workload,
  say: (line: string) => void,
): (results: readonly CheckResult[]) => void {
  const known = new Map<string, CheckState>()
  const bucketOf = new Map(
    workload.buckets.flatMap(({ bucket, references }) =>
      references.map(({ name }) => [name, bucket] as const),
    ),
  )
  return (results) => {
    for (const { check, state, reason } of results) {
      if (known.get(check) === state) continue
      known.set(check, state)
      say(`${SIGNS[state]} ${workload.name}: ${check}${reason ? `: ${reason}` : ''}`)
      const bucket = bucketOf.get(check)
      if (state !== 'failed' || bucket === undefined) continue
      say(`  if nothing else is damaged: lifeboat objects restore --bucket ${bucket} --to TIME`)
    }
  }
}

/** A line for the first canary of a bucket, and whenever one is lost or arrives again. */
function travelsTeller(
  say: (line: string) => void,
): (bucket: ReplicatedBucket, travel: CanaryTravel) => void {
  const arrived = new Map<string, boolean>()
  return ({ bucket, replica }, { seconds, reason }) => {
    const hasArrived = seconds !== null
    if (arrived.get(bucket) === hasArrived) return
    arrived.set(bucket, hasArrived)
    const way = `${bucket} → ${replica.bucket} in ${replica.region}`
    say(hasArrived ? `✔ ${way}: a canary took ${formatDuration(seconds)}` : `✘ ${way}: ${reason}`)
  }
}
