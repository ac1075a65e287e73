import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RegionClient } from '../aws/region-client.ts'
import { formatDuration } from '../core/duration.ts'
import { ERRORS, LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import type { CheckResult, CheckState } from '../recovery/checks.ts'
import { type Monitor, worstState } from '../recovery/monitor.ts'
import type { WatchNotices } from '../recovery/notifications/watch-notices.ts'
import type { CanaryTravel } from '../recovery/objects/canary.ts'
import {
  type Away,
  canariesOf,
  hearingOf,
  monitorOf,
  type NotificationSurroundings,
  regionRoundsOf,
  summary,
  type Whereabouts,
  type Workload,
  watchNoticesOf,
  whereaboutsOf,
  writeLedgerOf,
} from '../recovery/recovery.ts'
import type { ReplicatedBucket } from '../recovery/workload.ts'
import { startWitnessServer, type WitnessServer } from '../server/witness-server.ts'
import type { WatchOptions } from './commands/watch.ts'
import { type Executive, withExecutive } from './executive.ts'
import type { Invocation } from './invocation.ts'
import { ledgerPath, recoverWorkload } from './recover-workload.ts'
import { describeReport } from './report-view.ts'
import { withRegion } from './workload-region.ts'

const LOOK_EVERY_MS = 100
const MOVED_EVERY_MS = 5_000
const SIGNS = { passed: '✔', failed: '✘', unknown: '?' } as const

/** Watches until it is interrupted, or with `once` until there was something to do. */
export async function watchWorkload(invocation: Invocation, options: WatchOptions): Promise<void> {
  await withRegion(invocation, options, ({ workload, region, reach, nameServer }) =>
    withExecutive(invocation, { isLong: true }, async (executive) => {
      const { database, executions, telling } = executive
      const { output, clock } = invocation
      const say = (line: string) => output.say(line)
      const notices = watchNoticesOf(workload, telling, say)
      const rounds = await regionRoundsOf(
        workload,
        { region, reach, database, clock, nameServer, random: systemRandom },
        { executions, incidentFolder: invocation.home.incidents, say, notices },
      )
      const witnesses = await hearWitnesses(invocation, workload, telling, options.witnessPort)
      say(`watching ${workload.name}: ${workload.checks.length} checks; Ctrl-C ends it`)
      rounds.start()
      try {
        const watched = { workload, reach, executive, notices }
        let where = await whereaboutsOf(workload, executions)
        while (await watchThere(where, watched, invocation, options)) {
          where = await whereaboutsOf(workload, executions)
          if (!where.away) say(`✔ ${workload.name}: it is at home in ${workload.region}`)
        }
      } finally {
        await witnesses?.close()
        await rounds.stop()
        await notices.close()
      }
    }),
  )
}

interface Watched {
  readonly workload: Workload
  readonly reach: (region: string) => Promise<RegionClient>
  readonly executive: Executive
  readonly notices: WatchNotices
}

/**
 * Watches a workload where it is. Away from home nothing is started that is for a workload at home, and no canary travels, as
 * nothing replicates it.
 *
 * @returns true: it has moved; false: there is nothing more to watch
 */
async function watchThere(
  { workload, away }: Whereabouts,
  { workload: home, reach, executive, notices }: Watched,
  invocation: Invocation,
  options: WatchOptions,
): Promise<boolean> {
  const { executions, database } = executive
  const { output, clock } = invocation
  const around = { region: await reach(workload.region), reach, database, clock }
  const tell = changesTeller(workload, (line) => output.say(line))
  const monitor = await monitorOf(workload, around, (results) => {
    tell(results)
    notices.checks(results)
  })
  const canaries = await canariesOf(
    workload,
    around,
    travelsTeller((line) => output.say(line)),
  )
  const ledger = options.writeLedger
    ? await writeLedgerOf(workload, await readyLedgerPath(invocation, workload), around)
    : undefined
  if (away)
    output.say(`✘ ${workload.name}: it is in ${away.region} since ${away.since}, watched there`)
  monitor.start()
  if (!away) canaries.start()
  ledger?.start()
  try {
    const mayStart = options.start && !away
    // Objects alone are brought back by a command of their own, without another database.
    const state = () => (mayStart ? stateOfDatabase(monitor, workload) : monitor.state)
    const hasMoved = movement(home, away, executive, (line) => output.say(line))
    for (;;) {
      if (await untilState(invocation, state, 'failed', hasMoved)) return true
      if (mayStart) {
        const order = { executions, workload, runbook: 'data-corruption', invocation }
        const report = summary(await recoverWorkload(order, options))
        if (options.once) {
          output.result(report, describeReport(report))
          return false
        }
        output.say(describeReport(report))
      } else if (options.once) {
        output.result({ state: 'failed', checks: monitor.results }, 'a check is red')
        process.exitCode = ERRORS.RestoreNotVerified.exit
        return false
      }
      if (await untilState(invocation, () => monitor.state, 'passed', hasMoved)) return true
    }
  } finally {
    await monitor.stop()
    await canaries.stop()
    await ledger?.stop()
  }
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

/** Whether a workload is somewhere else by now; while that cannot be asked, it is where it was. */
function movement(
  home: Workload,
  away: Away | null,
  { executions }: Executive,
  say: (line: string) => void,
): () => Promise<boolean> {
  let told = ''
  return async () => {
    try {
      const now = await whereaboutsOf(home, executions)
      return now.away?.failover !== away?.failover
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error
      if (error.message !== told) say(`? ${home.name}: ${error.message}`)
      told = error.message
      return false
    }
  }
}

/** @returns whether the workload has moved before */
async function untilState(
  { clock, signal }: Invocation,
  state: () => CheckState,
  wanted: CheckState,
  hasMoved: () => Promise<boolean>,
): Promise<boolean> {
  let askedAtMs = clock.monotonicMs()
  while (state() !== wanted) {
    await clock.sleep(LOOK_EVERY_MS, signal)
    if (clock.monotonicMs() - askedAtMs < MOVED_EVERY_MS) continue
    askedAtMs = clock.monotonicMs()
    if (await hasMoved()) return true
  }
  signal.throwIfAborted()
  return false
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
