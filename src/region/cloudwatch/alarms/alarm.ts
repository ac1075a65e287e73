import type { Metric } from '../metrics/metric.ts'
import type { EvaluationSettings, MissingDataTreatment, StateValue } from './evaluate.ts'

/** An alarm as it is stored. */
export type Alarm = MetricAlarm | CompositeAlarm

export interface MetricAlarm extends AlarmBasics {
  readonly kind: 'MetricAlarm'
  readonly metric: Metric
  /** Undefined: values of any unit. */
  readonly unit?: string
  readonly statistic: string
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  /** As it was asked for; all evaluation periods when it was not. */
  readonly datapointsToAlarm?: number
  readonly threshold: number
  readonly comparison: Comparison
  /** As it was asked for; `missing` when it was not. */
  readonly treatMissingData?: MissingDataTreatment
  /** What to do with a percentile of few samples. */
  readonly lowSampleCount?: 'evaluate' | 'ignore'
}

export interface CompositeAlarm extends AlarmBasics {
  readonly kind: 'CompositeAlarm'
  /** As `ALARM(a) AND NOT ALARM("b")`. */
  readonly rule: string
}

interface AlarmBasics {
  readonly name: string
  readonly arn: string
  readonly description?: string
  readonly actionsEnabled: boolean
  /** ARNs of SNS topics. */
  readonly actions: Readonly<Record<StateValue, readonly string[]>>
  readonly tags: readonly Tag[]
  /** ISO 8601, as all times here. */
  readonly configuredAt: string
  readonly state: AlarmState
  /** A change of state whose history and actions are not all done yet. */
  readonly pending?: Transition
}

export interface Tag {
  readonly Key: string
  readonly Value: string
}

export interface AlarmState {
  readonly value: StateValue
  readonly reason: string
  /** JSON. */
  readonly reasonData?: string
  /** When somebody last said what the state is, or found it to be another. */
  readonly updatedAt: string
  /** When its value last changed. */
  readonly transitionedAt: string
}

/** A change of state, and what is to be done about it. */
export interface Transition {
  readonly from: AlarmState
  readonly to: AlarmState
  /** ARNs, in the order in which they are executed. */
  readonly actions: readonly string[]
}

/** Source: CloudWatch API Reference, PutMetricAlarm, ComparisonOperator. */
export const COMPARISONS = {
  GreaterThanOrEqualToThreshold: {
    words: 'greater than or equal to',
    isBreaching: (value: number, threshold: number) => value >= threshold,
  },
  GreaterThanThreshold: {
    words: 'greater than',
    isBreaching: (value: number, threshold: number) => value > threshold,
  },
  LessThanThreshold: {
    words: 'less than',
    isBreaching: (value: number, threshold: number) => value < threshold,
  },
  LessThanOrEqualToThreshold: {
    words: 'less than or equal to',
    isBreaching: (value: number, threshold: number) => value <= threshold,
  },
} as const

export type Comparison = keyof typeof COMPARISONS

export function settingsOf(alarm: MetricAlarm): EvaluationSettings {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData } = alarm
  return {
    evaluationPeriods,
    datapointsToAlarm: datapointsToAlarm ?? evaluationPeriods,
    treatMissingData: treatMissingData ?? 'missing',
  }
}

/** The state of an alarm that has not been evaluated yet. */
export function initialState(now: Date): AlarmState {
  const at = now.toISOString()
  return {
    value: 'INSUFFICIENT_DATA',
    reason: 'Unchecked: Initial alarm creation',
    updatedAt: at,
    transitionedAt: at,
  }
}
