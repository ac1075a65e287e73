import type { Dimension, DimensionFilter } from '../../protocol/models/cloudwatch.ts'
import { invalid, missing } from '../faults.ts'
import type { Metric } from './metric.ts'
import { type Reading, readingOf } from './statistics.ts'

const MAX_DIMENSIONS = 30
const MAX_NAME_LENGTH = 255

/** Source: CloudWatch API Reference, MetricDatum, StandardUnit. */
const BITS_AND_BYTES = ['', 'Kilo', 'Mega', 'Giga', 'Tera'].flatMap((prefix) =>
  ['Bytes', 'Bits'].map((unit) => (prefix ? `${prefix}${unit.toLowerCase()}` : unit)),
)
const UNITS: ReadonlySet<string> = new Set([
  ...['Seconds', 'Microseconds', 'Milliseconds', 'Percent', 'Count', 'Count/Second', 'None'],
  ...BITS_AND_BYTES,
  ...BITS_AND_BYTES.map((unit) => `${unit}/Second`),
])

/** @throws CloudWatchFault `InvalidParameterValueException` */
export function checkedUnit(unit: string | undefined): string | undefined {
  if (unit !== undefined && !UNITS.has(unit)) throw invalid(`'${unit}' is not a unit.`)
  return unit
}

/** @throws CloudWatchFault `InvalidParameterValueException`, `MissingRequiredParameterException` */
export function checkedMetric(o: {
  Namespace?: string | undefined
  MetricName?: string | undefined
  Dimensions?: readonly Dimension[] | undefined
}): Metric {
  return {
    namespace: checkedName('Namespace', o.Namespace, /^[^:][^\x00-\x1f\x7f]*$/),
    name: checkedName('MetricName', o.MetricName, /^[^\x00-\x1f\x7f]+$/),
    dimensions: checkedDimensions(o.Dimensions ?? []),
  }
}

function checkedName(parameter: string, name: string | undefined, form: RegExp): string {
  if (!name) throw missing(parameter)
  if (name.length > MAX_NAME_LENGTH || !form.test(name)) {
    throw invalid(
      `${parameter} has 1 to ${MAX_NAME_LENGTH} characters, no control characters` +
        `${parameter === 'Namespace' ? ', and does not begin with a colon' : ''}.`,
    )
  }
  return name
}

function checkedDimensions(dimensions: readonly Dimension[]): Record<string, string> {
  if (dimensions.length > MAX_DIMENSIONS) {
    throw invalid(`A metric has at most ${MAX_DIMENSIONS} dimensions.`)
  }
  const checked = dimensions.map(({ Name = '', Value = '' }) => {
    const isFine =
      /^(?!:)[\x21-\x7e][\x20-\x7e]{0,254}$/.test(Name) && /^[\x20-\x7e]{1,1024}$/.test(Value)
    if (!isFine || Value.trim() === '') {
      throw invalid(
        `The dimension '${Name}' has a name of 1 to 255 ASCII characters that does not begin with a colon, ` +
          'and a value of 1 to 1024 that are not all blank.',
      )
    }
    return [Name, Value] as const
  })
  if (new Set(checked.map(([name]) => name)).size < checked.length) {
    throw invalid('No two dimensions have the same name.')
  }
  return Object.fromEntries(checked)
}

/** Whether a metric has all dimensions that are asked for, with any value where none is named. */
export function hasDimensions({ dimensions }: Metric, asked: readonly DimensionFilter[]): boolean {
  return asked.every(({ Name = '', Value }) => {
    const held = Object.hasOwn(dimensions, Name) ? dimensions[Name] : undefined
    return held !== undefined && (Value === undefined || Value === held)
  })
}

export function toldDimensions({ dimensions }: Metric): { Name: string; Value: string }[] {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
}

/** @throws CloudWatchFault `InvalidParameterValueException` */
export function checkedReading(statistic: string): Reading {
  const reading = readingOf(statistic)
  if (!reading) {
    throw invalid(`The statistic '${statistic}' is not available; percentiles are, as 'p99'.`)
  }
  return reading
}

/** Source: CloudWatch API Reference, GetMetricStatistics, Period. */
const FINE_PERIODS = [1, 5, 10, 20, 30]

/**
 * The periods that are asked for. The first begins with a whole minute, or for fine periods at a multiple of them.
 *
 * @throws CloudWatchFault `InvalidParameterValueException`, `MissingRequiredParameterException`
 */
export function checkedRange(
  from: Date | undefined,
  to: Date | undefined,
  period: number | undefined,
): { from: Date; to: Date; periodSeconds: number } {
  if (!from) throw missing('StartTime')
  if (!to) throw missing('EndTime')
  if (from >= to) {
    throw invalid('The parameter StartTime must be less than the parameter EndTime.')
  }
  if (period === undefined) throw missing('Period')
  const isFine = FINE_PERIODS.includes(period)
  if (!isFine && !(Number.isInteger(period) && period > 0 && period % 60 === 0)) {
    throw invalid(`Period is one of ${FINE_PERIODS.join(', ')}, or a multiple of 60.`)
  }
  const stepMs = (isFine ? period : 60) * 1000
  const start = Math.floor(from.getTime() / stepMs) * stepMs
  return { from: new Date(start), to, periodSeconds: period }
}
