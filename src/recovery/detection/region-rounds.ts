import { LifeboatError } from '../../core/errors.ts'
import { readPublicRecords } from '../failover-records.ts'
import type { WatchNotices } from '../notifications/watch-notices.ts'
import { outputsOf, type ReportedExecution } from '../report.ts'
import type { RecoveryTools } from '../runbooks/data-corruption/tools.ts'
import { exportDivergence, fenceReturned } from '../runbooks/failback/quarantine.ts'
import { failbackInput } from '../runbooks/failback/report.ts'
import { drainPrimary } from '../runbooks/region-failure/drain-primary.ts'
import { hasFenceDebt } from '../runbooks/region-failure/fence-primary.ts'
import type { RegionFailureOutputs } from '../runbooks/region-failure/report.ts'
import { tried } from '../runbooks/region-failure/tools.ts'
import type { Workload } from '../workload.ts'
import { decide, type Verdict } from './decision.ts'
import { describeSignals, gatherSignals } from './signals.ts'

const EVERY_MS = 30_000

/**
 * Looks every half minute whether the workload's region is there, and says what a failover would be decided on: it starts none
 * itself (shadow mode). After a failover it fences the old database the moment that answers, before anything else, and stops
 * the services there that could not be stopped then.
 */
export class RegionRounds {
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #verdict: Verdict | undefined
  #paid: string | undefined
  #drained: string | undefined

  constructor(
    private readonly o: {
      workload: Workload
      tools: RecoveryTools
      /** The newest failover that has come to its end and was not taken back. */
      failover: () => Promise<ReportedExecution | undefined>
      /** Whether something is being executed for the workload: whoever does is in charge of its services. */
      isExecuting: () => Promise<boolean>
      incidentFolder: string
      say: (line: string) => void
      /** Who is told beside whoever watches. */
      notices?: Pick<WatchNotices, 'region' | 'fenceDebt'>
    },
  ) {}

  /** Does nothing for a workload that has no region to recover in. */
  start(): void {
    if (this.o.workload.recoveryRegion !== undefined) this.#running ??= this.#rounds()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new LifeboatError('ExecutionCanceled', 'the watch was stopped'))
    await this.#running
  }

  async #rounds(): Promise<void> {
    const { signal } = this.#stopping
    const { clock } = this.o.tools
    while (!signal.aborted) {
      try {
        const failover = await this.o.failover()
        if (failover) {
          await this.#payFenceDebt(failover)
          await this.#drain(failover)
        } else await this.#look()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof LifeboatError)) throw error
        this.o.say(`? ${this.o.workload.name}: ${error.message}`)
      }
      await clock.sleep(EVERY_MS, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }

  async #look(): Promise<void> {
    const { workload, tools, say } = this.o
    await this.#rememberRecords()
    const signals = await gatherSignals(tools, workload)
    const { verdict, because } = decide(signals)
    if (verdict === 'fail-over' || verdict === 'nothing') {
      this.o.notices?.region(verdict === 'fail-over', because)
    }
    if (verdict === this.#verdict) return
    this.#verdict = verdict
    say(`${SIGNS[verdict]} ${workload.name}: ${WORDS[verdict]}: ${because}`)
    if (verdict === 'nothing') return
    for (const line of describeSignals(signals)) say(`    ${line}`)
    if (verdict === 'fail-over') say('  lifeboat runbook run region-failure')
  }

  /** Where the public name leads, for the day when nobody can ask for it. */
  async #rememberRecords(): Promise<void> {
    const { workload, tools } = this.o
    const { publicName } = workload
    if (!publicName) return
    const found = await tried(tools, () => readPublicRecords(tools.region.route53, publicName))
    if ('answer' in found) {
      await tools.history.rememberRecords(workload.name, found.answer, tools.clock.now())
    }
  }

  async #payFenceDebt(failover: ReportedExecution): Promise<void> {
    const { workload, tools, incidentFolder, say } = this.o
    const { fence }: RegionFailureOutputs = outputsOf(failover)
    if (!fence || !hasFenceDebt(fence) || this.#paid === failover.id) return
    const { instance } = workload.database
    const owed = `'${instance}' is not proven fenced (${fence.grade})`
    this.o.notices?.fenceDebt(failover.id, false, owed)
    const input = failbackInput(failover, { incidentFolder })
    const fenced = await tried(tools, () => fenceReturned(input, fence.endpoint, tools), 60_000)
    if ('failure' in fenced) return
    this.#paid = failover.id
    const paid = `'${instance}' answers again, and was fenced`
    this.o.notices?.fenceDebt(failover.id, true, paid)
    say(`✘ ${workload.name}: ${paid}`)
    const divergence = await exportDivergence(input, fenced.answer, tools, {
      execution: failover.id,
      signal: this.#stopping.signal,
      progress: () => undefined,
    })
    const { salvaged = 0, conflicts = 0, paths } = divergence ?? {}
    say(`  ${salvaged} rows are only there: ${paths?.salvage}`)
    say(`  ${conflicts} rows differ: ${paths?.conflicts}`)
  }

  async #drain(failover: ReportedExecution): Promise<void> {
    const { workload, tools, say } = this.o
    const { 'drain-primary': drain }: RegionFailureOutputs = outputsOf(failover)
    if (!drain || drain.unreached.length === 0 || this.#drained === failover.id) return
    if (await this.o.isExecuting()) return
    const { unreached } = await drainPrimary({ workload }, tools)
    if (unreached.length > 0) return
    this.#drained = failover.id
    say(`✔ ${workload.name}: its services in ${workload.region} were stopped`)
  }
}

const SIGNS: Readonly<Record<Verdict, string>> = {
  nothing: '✔',
  freeze: '?',
  'recover-in-region': '✘',
  'fail-over': '✘',
  unknown: '?',
}

const WORDS: Readonly<Record<Verdict, string>> = {
  nothing: 'its region is well',
  freeze: 'change nothing there now',
  'recover-in-region': 'its database is ill, not its region',
  'fail-over': 'its region is lost',
  unknown: 'it is not known how its region is',
}
