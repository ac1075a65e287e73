import type { Clock } from '../../../core/clock.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import type { Alarm, CompositeAlarm, MetricAlarm } from './alarm.ts'
import { alarmsIn, holds, parseAlarmRule } from './alarm-rule.ts'
import type { Alarms } from './alarms.ts'
import type { AlarmHistory } from './history.ts'
import { stateByData } from './metric-alarm-state.ts'
import { type NewState, type Transitions, triggeringAlarm } from './transitions.ts'

/** How often is looked whether an alarm is due, in milliseconds. */
const TICK_MS = 500
const HOUSEKEEPING_MS = 3_600_000
const DAY_SECONDS = 86_400

/**
 * Evaluates the alarms of a region by its clock: every minute, every 10 seconds when their periods are shorter, every hour
 * when they look back for more than a day. Composite alarms follow their children at once.
 *
 * A new alarm, and one that a restarted region finds, is evaluated at once. Unlike AWS: so is an alarm whose configuration was
 * changed, where AWS may take some minutes.
 *
 * Source: CloudWatch User Guide, "Alarm evaluation".
 */
export class Evaluator {
  readonly #ending = new AbortController()
  /** Of each alarm, what it was evaluated for last: a configuration, and a moment or the states of children. */
  readonly #evaluated = new Map<string, string>()
  #keptHouseAtMs = 0
  #running: Promise<void> = Promise.resolve()

  constructor(
    private readonly o: {
      alarms: Alarms
      history: AlarmHistory
      transitions: Transitions
      store: MetricStore
      /** Brings the metrics up to date. */
      sample: () => Promise<void>
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {}

  begin(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    // What a killed region had not done yet.
    for (const { name } of this.o.alarms.list()) {
      await this.#told(() => this.o.transitions.settle(name))
    }
    while (!signal.aborted) {
      await this.#told(() => this.#evaluateDue())
      await this.#told(() => this.#keepHouse())
      await this.#told(() => this.o.clock.sleep(TICK_MS, signal))
    }
  }

  async #evaluateDue(): Promise<void> {
    const { alarms, transitions } = this.o
    const now = this.o.clock.now()
    const due = alarms
      .list()
      .filter(isMetricAlarm)
      .filter((alarm) => this.#isDue(alarm, now))
    if (due.length > 0) await this.o.sample()
    for (const { name } of due) {
      await this.#told(() => transitions.change(name, (alarm) => this.#byData(alarm, now)))
    }
    await this.#followChildren()
  }

  #isDue(alarm: MetricAlarm, now: Date): boolean {
    const { periodSeconds, evaluationPeriods, configuredAt, name } = alarm
    const isLong = periodSeconds * evaluationPeriods > DAY_SECONDS
    const stepMs = isLong ? 3_600_000 : periodSeconds < 60 ? 10_000 : 60_000
    return this.#isNew(name, `${configuredAt} ${Math.floor(now.getTime() / stepMs)}`)
  }

  #isNew(name: string, occasion: string): boolean {
    if (this.#evaluated.get(name) === occasion) return false
    this.#evaluated.set(name, occasion)
    return true
  }

  #byData(alarm: Alarm, now: Date): NewState | undefined {
    return isMetricAlarm(alarm) ? stateByData(this.o.store, alarm, now) : undefined
  }

  /** Until nothing changes any more: a composite alarm may be the child of another. There are no cycles. */
  async #followChildren(): Promise<void> {
    const { alarms, transitions } = this.o
    for (let hasChanged = true; hasChanged && !this.#ending.signal.aborted; ) {
      hasChanged = false
      for (const { name, state } of alarms.list().filter(isComposite)) {
        await this.#told(async () => {
          const after = await transitions.change(name, (alarm) => this.#byRule(alarm))
          hasChanged ||= after !== undefined && after.state.value !== state.value
        })
      }
    }
  }

  /** Source: CloudWatch API Reference, SetAlarmState: only another state of a child, or another rule, is an occasion. */
  #byRule(alarm: Alarm): NewState | undefined {
    if (!isComposite(alarm)) return undefined
    const rule = parseAlarmRule(alarm.rule)
    const children = [...new Set(alarmsIn(rule))].flatMap((name) => this.o.alarms.find(name) ?? [])
    const states = children.map(({ name, state }) => [name, state.value, state.transitionedAt])
    if (!this.#isNew(alarm.name, JSON.stringify([alarm.configuredAt, states]))) return undefined

    const stateOf = (name: string) => this.o.alarms.find(name)?.state.value
    const value = holds(rule, stateOf) ? 'ALARM' : 'OK'
    const isFirst = alarm.state.value === 'INSUFFICIENT_DATA'
    const [latest] = children.sort((a, b) => (a.state.updatedAt < b.state.updatedAt ? 1 : -1))
    return {
      value,
      reason:
        isFirst || !latest
          ? `${alarm.arn} was created and its alarm rule evaluates to ${value}`
          : `${latest.arn} transitioned to ${latest.state.value} at ${longTime(latest.state.updatedAt)}`,
      reasonData: JSON.stringify({ triggeringAlarms: children.map(triggeringAlarm) }),
    }
  }

  async #keepHouse(): Promise<void> {
    const now = this.o.clock.now()
    if (now.getTime() - this.#keptHouseAtMs < HOUSEKEEPING_MS) return
    this.#keptHouseAtMs = now.getTime()
    await this.o.history.expire(now)
    const names = new Set(this.o.alarms.list().map(({ name }) => name))
    for (const name of this.#evaluated.keys()) if (!names.has(name)) this.#evaluated.delete(name)
  }

  /** One alarm's trouble must not keep the others from being evaluated. */
  async #told(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#ending.signal.aborted) this.o.onError(error)
    }
  }
}

function isMetricAlarm(alarm: Alarm): alarm is MetricAlarm {
  return alarm.kind === 'MetricAlarm'
}

function isComposite(alarm: Alarm): alarm is CompositeAlarm {
  return alarm.kind === 'CompositeAlarm'
}

const LONG_TIME = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: '2-digit',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: 'UTC',
})

/** `Friday 22 July, 2022 15:57:45 UTC` */
function longTime(iso: string): string {
  const parts = LONG_TIME.formatToParts(new Date(iso))
  const [weekday, day, month, year, hour, minute, second] = (
    ['weekday', 'day', 'month', 'year', 'hour', 'minute', 'second'] as const
  ).map((type) => parts.find((part) => part.type === type)?.value)
  return `${weekday} ${day} ${month}, ${year} ${hour}:${minute}:${second} UTC`
}
