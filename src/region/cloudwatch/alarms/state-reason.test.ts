import { describe, expect, test } from 'vitest'
import { initialState, type MetricAlarm } from './alarm.ts'
import type { Evaluation, StateValue } from './evaluate.ts'
import { type Datapoint, javaDouble, stateReason } from './state-reason.ts'

const NOW = new Date('2026-07-31T06:56:05.603Z')

function reason(
  more: Partial<MetricAlarm>,
  state: StateValue,
  values: readonly number[],
  filled = 0,
): string {
  const alarm: MetricAlarm = {
    ...{ kind: 'MetricAlarm', name: 'a', arn: 'arn', actionsEnabled: true, tags: [] },
    actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
    ...{ configuredAt: NOW.toISOString(), state: initialState(NOW) },
    metric: { namespace: 'Test', name: 'm', dimensions: {} },
    ...{ statistic: 'Average', periodSeconds: 60, evaluationPeriods: 1, threshold: 60 },
    comparison: 'GreaterThanThreshold',
    ...more,
  }
  const datapoints = values.map(
    (value, index): Datapoint => ({
      startAt: new Date(Date.parse('2026-07-31T06:50:00Z') - index * 60_000),
      value,
      sampleCount: 1,
    }),
  )
  const evaluation: Evaluation = { state, evaluated: datapoints.map((_, i) => i), filled }
  return stateReason(alarm, state, evaluation, datapoints)
}

// In the words of AWS, as many have published them.
describe('why an alarm is in a state', () => {
  test.each([
    [
      reason({}, 'OK', [0.2872183414376726]),
      'Threshold Crossed: 1 datapoint [0.2872183414376726 (31/07/26 06:50:00)] was not greater than the threshold (60.0).',
    ],
    [
      reason({ evaluationPeriods: 2 }, 'ALARM', [61, 100]),
      'Threshold Crossed: 2 datapoints [61.0 (31/07/26 06:50:00), 100.0 (31/07/26 06:49:00)] were greater than the threshold (60.0).',
    ],
    [
      reason({ datapointsToAlarm: 1 }, 'ALARM', [99.5]),
      'Threshold Crossed: 1 out of the last 1 datapoints [99.5 (31/07/26 06:50:00)] was greater than the threshold (60.0) (minimum 1 datapoint for OK -> ALARM transition).',
    ],
    [
      reason({ evaluationPeriods: 3, datapointsToAlarm: 2 }, 'OK', [1, 99, 2]),
      'Threshold Crossed: 2 out of the last 3 datapoints [1.0 (31/07/26 06:50:00), 2.0 (31/07/26 06:48:00)] were not greater than the threshold (60.0) (minimum 2 datapoints for ALARM -> OK transition).',
    ],
    [
      reason(
        {
          evaluationPeriods: 8,
          comparison: 'LessThanOrEqualToThreshold',
          threshold: 0,
          treatMissingData: 'breaching',
        },
        'OK',
        [2],
        7,
      ),
      'Threshold Crossed: 1 datapoint [2.0 (31/07/26 06:50:00)] was not less than or equal to the threshold (0.0) and 7 missing datapoints were treated as [Breaching].',
    ],
    [
      reason({ treatMissingData: 'notBreaching' }, 'OK', [], 1),
      'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].',
    ],
    [reason({}, 'INSUFFICIENT_DATA', [], 1), 'Insufficient Data: 1 datapoint was unknown.'],
    [
      reason({ evaluationPeriods: 3 }, 'INSUFFICIENT_DATA', [], 3),
      'Insufficient Data: 3 datapoints were unknown.',
    ],
    [
      reason({ evaluationPeriods: 6 }, 'OK', [1, 2, 3, 4, 5, 6]),
      'Threshold Crossed: 6 datapoints were not greater than the threshold (60.0). The most recent datapoints: [1.0 (31/07/26 06:50:00), 2.0 (31/07/26 06:49:00), 3.0 (31/07/26 06:48:00), 4.0 (31/07/26 06:47:00), 5.0 (31/07/26 06:46:00)].',
    ],
  ])('%#', (told, expected) => {
    expect(told).toBe(expected)
  })
})

test.each([
  [0, '0.0'],
  [60, '60.0'],
  [-1.5, '-1.5'],
  [1234567, '1234567.0'],
  [12345678, '1.2345678E7'],
  [1e21, '1.0E21'],
  [0.001, '0.001'],
  [0.0001, '1.0E-4'],
])('%d is printed as Java does', (value, text) => {
  expect(javaDouble(value)).toBe(text)
})
