import { setMaxListeners } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import type { Alarm, Checker, Endpoint, Health, HealthCheck, Observation } from './health-check.ts'
import { afterResult, judge } from './judge.ts'

/** How often an alarm is looked at, in seconds. */
const ALARM_INTERVAL_SECONDS = 10
/** How long what does not change a status may be unwritten, in milliseconds. */
const FLUSH_MS = 1_000

/** What became of an alarm, in words. */
export type AlarmState = Omit<Observation, 'at'> & { readonly isUnknown: boolean }

/** Where health is kept over the end of the process. */
export interface HealthStore {
  load(id: string): Health | undefined
  /** Durable when it returns. */
  save(health: readonly Health[]): void
  delete(id: string): void
}

export interface MonitorOptions {
  readonly clock: Clock
  readonly store: HealthStore
  readonly probe: (
    check: Endpoint & { readonly id: string },
    signal: AbortSignal,
  ) => Promise<Omit<Observation, 'at'>>
  readonly alarmState: (alarm: Alarm['alarm'], signal: AbortSignal) => Promise<AlarmState>
  /** How many times faster than asked for checks are made. */
  readonly speed: number
  readonly onError: (error: unknown) => void
}

interface Watched {
  readonly check: HealthCheck
  health: Health
  readonly ending: AbortController
}

/**
 * Watches what health checks name, each from its locations, and knows their status at any moment.
 *
 * What it knew before its process ended it knows again, and goes on from there. A new check is healthy until it is known not
 * to be. A change of a status is written before anybody is told of it.
 *
 * A location has one request under way at most, and waits for nobody else's: an endpoint that hangs delays no other check.
 */
export class HealthMonitor {
  readonly #watched = new Map<string, Watched>()
  readonly #unwritten = new Set<Watched>()
  #flushing: NodeJS.Timeout | undefined

  constructor(private readonly o: MonitorOptions) {}

  /** The status by which records are chosen; healthy for one that is not there. */
  isHealthy(id: string): boolean {
    return this.#watched.get(id)?.health.isHealthy ?? true
  }

  ids(): string[] {
    return [...this.#watched.keys()]
  }

  /** Watches a check from now on, or watches it by its new settings. Safe to call again. */
  watch(check: HealthCheck): void {
    const before = this.#watched.get(check.id)
    if (before?.check.version === check.version) return
    before?.ending.abort()
    const known = before?.health ?? this.o.store.load(check.id)
    const health: Health = {
      id: check.id,
      isHealthy: known?.isHealthy ?? true,
      since: known?.since ?? this.#now(),
      checkers: locationsOf(check).map(
        (location) =>
          known?.checkers.find((checker) => checker.location === location) ?? unbiased(location),
      ),
      ...(known?.isUnknown === undefined ? {} : { isUnknown: known.isUnknown }),
    }
    const ending = new AbortController()
    // Every location waits for it.
    setMaxListeners(0, ending.signal)
    const watched: Watched = { check, health, ending }
    this.#watched.set(check.id, watched)
    this.#update(watched, {})
    if (!check.isDisabled) this.#begin(watched)
  }

  /** Ends to watch a check, and forgets it. */
  forget(id: string): void {
    const watched = this.#watched.get(id)
    watched?.ending.abort()
    this.#watched.delete(id)
    if (watched) this.#unwritten.delete(watched)
    this.o.store.delete(id)
    this.#judgeParentsOf(id)
  }

  close(): void {
    for (const { ending } of this.#watched.values()) ending.abort()
    this.#flush()
  }

  #begin({ check, ending }: Watched): void {
    const { id } = check
    const { signal } = ending
    if (check.kind === 'endpoint') {
      const intervalMs = (check.intervalSeconds * 1000) / this.o.speed
      for (const [index, location] of check.locations.entries()) {
        const phaseMs = (intervalMs * index) / check.locations.length
        this.#loop({ phaseMs, intervalMs }, signal, async () => {
          this.#observe(id, location, await this.o.probe(check, signal), check.threshold)
        })
      }
    } else if (check.kind === 'alarm') {
      const intervalMs = (ALARM_INTERVAL_SECONDS * 1000) / this.o.speed
      const [location] = locationsOf(check)
      this.#loop({ phaseMs: 0, intervalMs }, signal, async () => {
        this.#observe(id, location!, await this.o.alarmState(check.alarm, signal), 1)
      })
    }
  }

  #loop(
    { phaseMs, intervalMs }: { phaseMs: number; intervalMs: number },
    signal: AbortSignal,
    look: () => Promise<void>,
  ): void {
    const loop = async () => {
      for (let waitMs = phaseMs; ; waitMs = intervalMs) {
        await this.o.clock.sleep(waitMs, signal)
        // A failure of ours is no result, and the next look may have one.
        await look().catch((error: unknown) => this.#unlessEnding(error, signal))
      }
    }
    loop().catch((error: unknown) => this.#unlessEnding(error, signal))
  }

  #observe(
    id: string,
    location: string,
    seen: Omit<Observation, 'at'> & { readonly isUnknown?: boolean },
    threshold: number,
  ): void {
    const watched = this.#watched.get(id)
    if (!watched) return
    const { isSuccess, status, isUnknown } = seen
    const last: Observation = { isSuccess, status, at: this.#now() }
    const checkers = watched.health.checkers.map((checker): Checker => {
      if (checker.location !== location) return checker
      return {
        ...checker,
        ...(isUnknown ? {} : afterResult(checker, isSuccess, threshold)),
        last,
        ...(isSuccess ? {} : { lastFailure: last }),
      }
    })
    this.#update(watched, { checkers, ...(isUnknown === undefined ? {} : { isUnknown }) })
  }

  #update(watched: Watched, change: Partial<Health>): void {
    const health = { ...watched.health, ...change }
    const isHealthy = judge(watched.check, health, (id) => this.isHealthy(id))
    if (isHealthy === watched.health.isHealthy) {
      watched.health = health
      this.#unwritten.add(watched)
      this.#flushing ??= setTimeout(() => this.#flush(), FLUSH_MS)
      return
    }
    const changed = { ...health, isHealthy, since: this.#now() }
    this.#unwritten.delete(watched)
    if (!this.#saved([changed])) this.#unwritten.add(watched)
    watched.health = changed
    this.#judgeParentsOf(watched.check.id)
  }

  #judgeParentsOf(id: string): void {
    for (const watched of this.#watched.values()) {
      const { check } = watched
      if (check.kind === 'calculated' && check.children.includes(id)) this.#update(watched, {})
    }
  }

  #flush(): void {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    const health = [...this.#unwritten].map((watched) => watched.health)
    if (health.length === 0 || this.#saved(health)) this.#unwritten.clear()
  }

  /** What cannot be written holds all the same: on a full disk records are still chosen by the health of now. */
  #saved(health: readonly Health[]): boolean {
    try {
      this.o.store.save(health)
      return true
    } catch (error) {
      this.o.onError(error)
      return false
    }
  }

  #unlessEnding(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.o.onError(error)
  }

  #now(): string {
    return this.o.clock.now().toISOString()
  }
}

function locationsOf(check: HealthCheck): readonly string[] {
  if (check.kind === 'endpoint') return check.locations
  return check.kind === 'alarm' ? [check.alarm.region] : []
}

function unbiased(location: string): Checker {
  return { location, isHealthy: true, contradictions: 0 }
}
