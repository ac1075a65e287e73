import { COMPARISONS, type MetricAlarm, settingsOf } from './alarm.ts'
import type { Evaluation, StateValue } from './evaluate.ts'

/** A real datapoint that decided. */
export interface Datapoint {
  readonly startAt: Date
  readonly value: number
  readonly sampleCount: number
}

/** Beyond so many, only the newest are named. */
const NAMED_ONE_BY_ONE = 5

/**
 * Why an alarm is in a state, in AWS's words.
 *
 * @param datapoints  those that decided, newest first
 */
export function stateReason(
  alarm: MetricAlarm,
  state: StateValue,
  { filled }: Evaluation,
  datapoints: readonly Datapoint[],
): string {
  const { evaluationPeriods: n, treatMissingData } = settingsOf(alarm)
  if (state === 'INSUFFICIENT_DATA') {
    const unknown = n - datapoints.length
    return `Insufficient Data: ${unknown} ${plural(unknown, 'datapoint was', 'datapoints were')} unknown.`
  }
  const treated =
    filled > 0 && (treatMissingData === 'breaching' || treatMissingData === 'notBreaching')
      ? treatedAs(filled, treatMissingData)
      : undefined
  if (datapoints.length === 0) {
    return `Threshold Crossed: no datapoints were received for ${n} ${plural(n, 'period', 'periods')} and ${treated}.`
  }
  const { words, isBreaching } = COMPARISONS[alarm.comparison]
  const isAlarm = state === 'ALARM'
  const telling = datapoints.filter(({ value }) => isBreaching(value, alarm.threshold) === isAlarm)
  // Where missing datapoints decided, there may be none that tells.
  const named = telling.length > 0 ? telling : datapoints
  const isTrue = isBreaching(named[0]!.value, alarm.threshold)
  const claim =
    `${plural(named.length, 'was', 'were')} ${isTrue ? '' : 'not '}${words} ` +
    `the threshold (${javaDouble(alarm.threshold)})`
  if (treated) return `Threshold Crossed: ${listed(named)} ${claim} and ${treated}.`
  if (alarm.datapointsToAlarm === undefined || datapoints.length < n) {
    return `Threshold Crossed: ${listed(named, claim)}.`
  }
  const { datapointsToAlarm: m } = settingsOf(alarm)
  const least = isAlarm ? m : n - m + 1
  const change = isAlarm ? 'OK -> ALARM' : 'ALARM -> OK'
  return (
    `Threshold Crossed: ${named.length} out of the last ${datapoints.length} datapoints [${values(named)}] ${claim} ` +
    `(minimum ${least} ${plural(least, 'datapoint', 'datapoints')} for ${change} transition).`
  )
}

/** The same for programs, as AWS writes it: JSON, with the datapoints of the threshold's time range. */
export function stateReasonData(
  alarm: MetricAlarm,
  now: Date,
  datapoints: readonly Datapoint[],
): string {
  const oldest = datapoints.at(-1)
  return JSON.stringify({
    version: '1.0',
    queryDate: alarmTime(now),
    ...(oldest ? { startDate: alarmTime(oldest.startAt) } : {}),
    ...(alarm.unit === undefined ? {} : { unit: alarm.unit }),
    statistic: alarm.statistic,
    period: alarm.periodSeconds,
    recentDatapoints: datapoints.map(({ value }) => value).reverse(),
    threshold: alarm.threshold,
    evaluatedDatapoints: datapoints.map(({ startAt, value, sampleCount }) => ({
      timestamp: alarmTime(startAt),
      sampleCount,
      value,
    })),
  })
}

/** `2026-01-15T10:30:00.000+0000` */
export function alarmTime(at: Date): string {
  return at.toISOString().replace('Z', '+0000')
}

/** As Java prints a double, which AWS does: `1.0`, `0.25`, `1.0E7`. */
export function javaDouble(value: number): string {
  const size = Math.abs(value)
  if (value !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${withPoint(digits)}E${Number(exponent)}`
  }
  return withPoint(String(value))
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}

/** `1 datapoint [3.0 (15/01/26 10:30:00)]`; of many only the newest, behind the claim. */
function listed(datapoints: readonly Datapoint[], claim = ''): string {
  const count = `${datapoints.length} ${plural(datapoints.length, 'datapoint', 'datapoints')}`
  const newest = values(datapoints.slice(0, NAMED_ONE_BY_ONE))
  if (datapoints.length <= NAMED_ONE_BY_ONE) {
    return `${count} [${newest}]${claim ? ` ${claim}` : ''}`
  }
  return claim ? `${count} ${claim}. The most recent datapoints: [${newest}]` : count
}

function values(datapoints: readonly Datapoint[]): string {
  return datapoints
    .map(({ value, startAt }) => `${javaDouble(value)} (${shortTime(startAt)})`)
    .join(', ')
}

/** `15/01/26 10:30:00` */
function shortTime(at: Date): string {
  const [, year, month, day, time] = /^\d\d(\d\d)-(\d\d)-(\d\d)T([\d:]{8})/.exec(at.toISOString())!
  return `${day}/${month}/${year} ${time}`
}

function treatedAs(filled: number, treatment: 'breaching' | 'notBreaching'): string {
  const was = plural(filled, 'missing datapoint was', 'missing datapoints were')
  return `${filled} ${was} treated as [${treatment === 'breaching' ? 'Breaching' : 'NonBreaching'}]`
}

function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many
}
