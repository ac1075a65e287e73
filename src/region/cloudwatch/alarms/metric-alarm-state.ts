import { type MetricStore, withoutUnits } from '../metrics/metric-store.ts'
import { percentileOf, readingOf } from '../metrics/statistics.ts'
import { COMPARISONS, type MetricAlarm, settingsOf } from './alarm.ts'
import { evaluate, evaluationRange, type Standing } from './evaluate.ts'
import { type Datapoint, stateReason, stateReasonData } from './state-reason.ts'
import type { NewState } from './transitions.ts'

const MINUTE_MS = 60_000

/** The state that a metric alarm is in by its data; undefined when it stays as it is. */
export function stateByData(
  store: MetricStore,
  alarm: MetricAlarm,
  now: Date,
): NewState | undefined {
  const settings = settingsOf(alarm)
  const datapoints = recentDatapoints(store, alarm, { now, count: evaluationRange(settings) })
  const { isBreaching } = COMPARISONS[alarm.comparison]
  const standings = datapoints.map((datapoint): Standing => {
    if (!datapoint) return 'missing'
    return isBreaching(datapoint.value, alarm.threshold) ? 'breaching' : 'within'
  })
  const evaluation = evaluate(standings, settings)
  const deciding = evaluation.evaluated.map((index) => datapoints[index]!)
  const { state } = evaluation
  if (state === 'retain' || hasTooFewSamples(alarm, deciding)) return undefined
  return {
    value: state,
    reason: stateReason(alarm, state, evaluation, deciding),
    reasonData: stateReasonData(alarm, now, deciding),
  }
}

/** One for each of the most recent whole periods, newest first; undefined where there is no data. */
function recentDatapoints(
  store: MetricStore,
  alarm: MetricAlarm,
  { now, count }: { now: Date; count: number },
): (Datapoint | undefined)[] {
  const periodMs = alarm.periodSeconds * 1000
  const stepMs = Math.min(periodMs, MINUTE_MS)
  const to = new Date(Math.floor(now.getTime() / stepMs) * stepMs)
  const from = new Date(to.getTime() - count * periodMs)
  const { periodSeconds, unit } = alarm
  const read = readingOf(alarm.statistic)
  const byStart = new Map<number, Datapoint>()
  for (const [startAt, statistics] of withoutUnits(
    store.periods(alarm.metric, { from, to, periodSeconds, unit }),
  )) {
    const value = read?.(statistics)
    if (value === undefined) continue
    byStart.set(startAt.getTime(), { startAt, value, sampleCount: statistics.count })
  }
  return Array.from({ length: count }, (_, index) =>
    byStart.get(to.getTime() - (index + 1) * periodMs),
  )
}

/** Source: CloudWatch User Guide, "Percentile-based alarms and low data samples". */
function hasTooFewSamples(alarm: MetricAlarm, datapoints: readonly Datapoint[]): boolean {
  const share = percentileOf(alarm.statistic)
  if (share === undefined || alarm.lowSampleCount !== 'ignore') return false
  const needed = share >= 0.5 ? 10 / (1 - share) : 10 / share
  return datapoints.reduce((sum, { sampleCount }) => sum + sampleCount, 0) < needed
}
