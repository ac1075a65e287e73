import type { Buckets } from '../aws/buckets.ts'
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { Database, type DatabaseLogin, placeOf } from '../probe/database.ts'
import { captureBaseline, isoTime } from './baseline.ts'
import { type CheckResult, type CheckState, runCheck } from './checks.ts'
import type { History } from './history.ts'
import { checkReference } from './objects/check-reference.ts'
import { type Bucket, type Check, checkNamesOf, type Reference, type Workload } from './workload.ts'

export interface MonitorOptions {
  readonly workload: Workload
  readonly history: History
  /** Asked again whenever a session is lost and twice a minute: consumers may have been moved. */
  readonly login: () => Promise<DatabaseLogin>
  /** Of the workload's region; needed where rows point at objects. */
  readonly buckets?: Buckets
  readonly clock: Clock
  /** Called after each run of checks. */
  readonly onResults?: (results: readonly CheckResult[]) => void
}

const LOGIN_EVERY_MS = 30_000
const RETRY_MS = 1_000
/** A baseline may take up to a twentieth of the time. */
const BASELINE_SHARE = 20
const EXPIRE_EVERY_MS = 600_000

/**
 * Runs a workload's checks, each at its interval, and keeps what it sees.
 *
 * All checks that are due run on one snapshot, read only. While every check passes, the rows of each
 * table are counted on that same snapshot: the baseline that a restore is compared with. References between rows and
 * objects are looked at beside that, because they take as long as a bucket is large.
 */
export class Monitor {
  readonly #options: MonitorOptions
  readonly #stopping = new AbortController()
  readonly #newest = new Map<string, CheckResult>()
  readonly #dueAtMs = new Map<string, number>()
  #session: Database | undefined
  #sessionSince = 0
  #place: string | undefined
  #unrecorded: LifeboatError | undefined
  #baselineDueAtMs = 0
  #expireDueAtMs = 0
  #running: Promise<void> | undefined

  constructor(options: MonitorOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new LifeboatError('ExecutionCanceled', 'the monitor was stopped'))
    await this.#running
    await this.#hangUp()
  }

  /** Each check's newest result; `unknown` before its first run. */
  get results(): CheckResult[] {
    return checkNamesOf(this.#options.workload).map((name) => this.#resultOf(name))
  }

  /** failed if any check failed, else unknown if any is unknown, else passed. */
  get state(): CheckState {
    return worstState(this.results)
  }

  /** Why the newest results are not in the history; undefined when they are. */
  get unrecorded(): LifeboatError | undefined {
    return this.#unrecorded
  }

  /** Runs every check once, due or not, and records it. */
  async runOnce(): Promise<CheckResult[]> {
    await Promise.all([
      this.#runChecks(this.#options.workload.checks),
      ...this.#references().map((reference) => this.#runReference(reference)),
    ])
    return this.results
  }

  async #run(): Promise<void> {
    const { checks } = this.#options.workload
    const ofChecks = this.#rounds(checks, async (due) => {
      await this.#runChecks(due)
      await this.#expire(this.#options.clock.monotonicMs())
    })
    const ofReferences = this.#references().map((reference) =>
      this.#rounds([reference], () => this.#runReference(reference)),
    )
    await Promise.all([ofChecks, ...ofReferences])
  }

  /** Until it is stopped: runs those that are due, and waits for the next. */
  async #rounds<One extends Check | Reference>(
    all: readonly One[],
    run: (due: readonly One[]) => Promise<void>,
  ): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    const dueAtMs = ({ name }: One) => this.#dueAtMs.get(name) ?? 0
    while (!signal.aborted) {
      const now = clock.monotonicMs()
      const due = all.filter((one) => dueAtMs(one) <= now)
      for (const { name, everySeconds } of due) this.#dueAtMs.set(name, now + everySeconds * 1000)
      if (due.length > 0) await run(due)
      const next = Math.min(...all.map(dueAtMs))
      await clock
        .sleep(Math.max(next - clock.monotonicMs(), 10), signal)
        .catch((reason: unknown) => {
          if (!signal.aborted) throw reason
        })
    }
  }

  async #runChecks(due: readonly Check[]): Promise<void> {
    const { workload, history, clock, onResults } = this.#options
    try {
      const session = await this.#dial()
      const beforeMs = clock.now().getTime()
      await session.transaction('snapshot', async () => {
        const moment = await session.one(
          `select to_json(transaction_timestamp())#>>'{}' as began, to_json(clock_timestamp())#>>'{}' as seen`,
        )
        const skewMs = (beforeMs + clock.now().getTime()) / 2 - Date.parse(moment.began ?? '')
        const results: CheckResult[] = []
        for (const check of due) results.push(await runCheck(session, check))
        for (const result of results) this.#newest.set(result.check, result)

        await this.#keep(() =>
          history.record(workload.name, {
            place: session.place,
            beganAt: isoTime(moment.began),
            seenAt: isoTime(moment.seen),
            knownAt: clock.now(),
            skewMs,
            results,
          }),
        )
        const ofChecks = workload.checks.map(({ name }) => this.#resultOf(name))
        if (worstState(ofChecks) === 'passed') await this.#keepBaseline(session)
      })
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error
      await this.#noteUnknown(due, error)
      await this.#hangUp()
    }
    onResults?.(due.map((check) => this.#newest.get(check.name)!))
  }

  #references(): (Reference & { readonly part: Bucket })[] {
    return this.#options.workload.buckets.flatMap((part) =>
      part.references.map((reference) => ({ ...reference, part })),
    )
  }

  async #runReference(reference: Reference & { readonly part: Bucket }): Promise<void> {
    const { workload, history, login, buckets, clock, onResults } = this.#options
    const { signal } = this.#stopping
    assert(buckets, 'a workload with references has buckets')
    let place: string | undefined
    let openedMs = 0
    const open = async () => {
      const dialed = await login()
      place = placeOf(dialed)
      const options = { purpose: 'references', statementTimeoutMs: 600_000 }
      const session = await Database.open(dialed, options)
      openedMs = clock.now().getTime()
      return session
    }
    const around = { reference, part: reference.part, buckets, clock, signal }
    const { result, moment } = await checkReference({ ...around, open })
    if (signal.aborted) return
    this.#newest.set(result.check, result)
    const at = place ?? this.#place
    if (at !== undefined) {
      const now = clock.now()
      const skewMs = moment ? openedMs - Date.parse(moment.began) : 0
      await this.#keep(() =>
        history.record(workload.name, {
          place: at,
          beganAt: moment ? isoTime(moment.began) : now.toISOString(),
          seenAt: moment ? isoTime(moment.seen) : now.toISOString(),
          knownAt: now,
          skewMs,
          results: [result],
        }),
      )
    }
    onResults?.([result])
  }

  #resultOf(name: string): CheckResult {
    return this.#newest.get(name) ?? { check: name, state: 'unknown', reason: 'not run yet' }
  }

  async #keepBaseline(session: Database): Promise<void> {
    const { workload, history, clock } = this.#options
    const startedMs = clock.monotonicMs()
    if (startedMs < this.#baselineDueAtMs) return
    await session.query("SET LOCAL statement_timeout = '60s'")
    const baseline = await captureBaseline(session, workload)
    await this.#keep(() => history.recordBaseline(workload.name, session.place, baseline))
    const tookMs = clock.monotonicMs() - startedMs
    this.#baselineDueAtMs = startedMs + tookMs * BASELINE_SHARE
  }

  /** No answer is an answer too: it is recorded, so that an old pass does not look like a new one. */
  async #noteUnknown(due: readonly Check[], error: LifeboatError): Promise<void> {
    const { clock, history, workload } = this.#options
    const retryAtMs = clock.monotonicMs() + RETRY_MS
    for (const { name } of due) {
      this.#newest.set(name, { check: name, state: 'unknown', reason: error.message })
      this.#dueAtMs.set(name, Math.min(this.#dueAtMs.get(name) ?? retryAtMs, retryAtMs))
    }
    const place = this.#place
    if (place === undefined) return
    const now = clock.now()
    await this.#keep(() =>
      history.record(workload.name, {
        place,
        beganAt: now.toISOString(),
        seenAt: now.toISOString(),
        knownAt: now,
        skewMs: 0,
        results: due.map(({ name }) => this.#newest.get(name)!),
      }),
    )
  }

  /** Watching goes on while Lifeboat's own database is away; `unrecorded` says that it does. */
  async #keep(record: () => Promise<void>): Promise<void> {
    try {
      await record()
      this.#unrecorded = undefined
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'StateUnreachable') throw error
      this.#unrecorded = error
    }
  }

  async #dial(): Promise<Database> {
    const { clock, login, workload } = this.#options
    const isOld = clock.monotonicMs() - this.#sessionSince > LOGIN_EVERY_MS
    if (this.#session && !isOld) return this.#session
    await this.#hangUp()
    const timeoutMs = Math.max(...workload.checks.map((check) => check.timeoutSeconds)) * 1000
    const dialed = await login()
    this.#place = placeOf(dialed)
    this.#session = await Database.open(dialed, {
      purpose: 'monitor',
      statementTimeoutMs: Math.max(timeoutMs, 60_000),
    })
    this.#sessionSince = clock.monotonicMs()
    return this.#session
  }

  async #hangUp(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  async #expire(now: number): Promise<void> {
    if (now < this.#expireDueAtMs) return
    this.#expireDueAtMs = now + EXPIRE_EVERY_MS
    const { history, workload, clock } = this.#options
    await this.#keep(() => history.expire(workload.name, clock.now()))
  }
}

/** One failed check is a failed workload; one unknown check is never a green one. */
export function worstState(results: readonly Pick<CheckResult, 'state'>[]): CheckState {
  if (results.some((result) => result.state === 'failed')) return 'failed'
  return results.length === 0 || results.some((result) => result.state === 'unknown')
    ? 'unknown'
    : 'passed'
}
