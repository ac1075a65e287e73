export type StateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** How a period stands to the threshold; `missing` when it has no data. */
export type Standing = 'breaching' | 'within' | 'missing'

export type MissingDataTreatment = 'missing' | 'ignore' | 'breaching' | 'notBreaching'

export interface EvaluationSettings {
  /** N: how many datapoints decide. */
  readonly evaluationPeriods: number
  /** M: how many of them must be breaching for ALARM. */
  readonly datapointsToAlarm: number
  readonly treatMissingData: MissingDataTreatment
}

export interface Evaluation {
  /** `retain`: the alarm stays in the state it is in. */
  readonly state: StateValue | 'retain'
  /** Which periods decided, newest first, as indexes of what was given. */
  readonly evaluated: readonly number[]
  /** How many missing datapoints had to be filled in. */
  readonly filled: number
}

/** How many periods more than N are looked at, in case that some have no data. */
const EXTRA_PERIODS = 2

/**
 * How many of the most recent periods are looked at: the evaluation range.
 *
 * Unlike AWS: they are always two more than the evaluation periods, as in the examples of its documentation, which leaves open what
 * other lengths of the period make of it.
 */
export function evaluationRange({ evaluationPeriods }: EvaluationSettings): number {
  return evaluationPeriods + EXTRA_PERIODS
}

/**
 * The state that the standings of the most recent periods put an alarm in. Real datapoints decide, as far back as the
 * range goes; what is still missing of N is filled in as the alarm says.
 *
 * When all that is known is breaching and it is less than M, the alarm waits for more, lest it alarms too early: until the
 * oldest of it is M periods old.
 *
 * Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"; `golden/missing-data.txt` has its
 * tables.
 *
 * @param standings  of all periods of the evaluation range, newest first
 */
export function evaluate(
  standings: readonly Standing[],
  { evaluationPeriods, datapointsToAlarm, treatMissingData }: EvaluationSettings,
): Evaluation {
  const evaluated = standings
    .map((standing, index) => ({ standing, index }))
    .filter(({ standing }) => standing !== 'missing')
    .slice(0, evaluationPeriods)
  const breaching = evaluated.filter(({ standing }) => standing === 'breaching').length
  const filled = evaluationPeriods - evaluated.length
  const decided = (state: Evaluation['state']): Evaluation => ({
    state,
    evaluated: evaluated.map(({ index }) => index),
    filled,
  })
  if (breaching >= datapointsToAlarm) return decided('ALARM')
  if (filled === 0) return decided('OK')
  switch (treatMissingData) {
    case 'breaching':
      return decided(breaching + filled >= datapointsToAlarm ? 'ALARM' : 'OK')
    case 'notBreaching':
      return decided('OK')
    case 'ignore':
      return decided(breaching < evaluated.length ? 'OK' : 'retain')
    case 'missing': {
      if (breaching < evaluated.length) return decided('OK')
      const oldestAge = (evaluated.at(-1)?.index ?? -1) + 1
      return decided(oldestAge >= datapointsToAlarm ? 'ALARM' : 'INSUFFICIENT_DATA')
    }
  }
}
