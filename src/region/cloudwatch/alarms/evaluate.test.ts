import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type EvaluationSettings,
  evaluate,
  evaluationRange,
  type MissingDataTreatment,
  type Standing,
} from './evaluate.ts'

const TREATMENTS: readonly MissingDataTreatment[] = [
  'missing',
  'ignore',
  'breaching',
  'notBreaching',
]
const STANDING_BY_SIGN: Readonly<Record<string, Standing>> = {
  '0': 'within',
  X: 'breaching',
  '-': 'missing',
}

/** Newest first. */
function standingsOf(datapoints: string): Standing[] {
  return datapoints
    .split(' ')
    .map((sign) => STANDING_BY_SIGN[sign]!)
    .reverse()
}

interface Row {
  readonly m: number
  readonly n: number
  readonly datapoints: string
  readonly filled: number
  readonly states: readonly string[]
}

function documentedRows(): Row[] {
  const text = readFileSync(join(import.meta.dirname, 'golden/missing-data.txt'), 'utf8')
  const rows: Row[] = []
  let [m, n] = [0, 0]
  for (const line of text.split('\n')) {
    const title = /^# Datapoints to Alarm (\d+), Evaluation Periods (\d+)$/.exec(line)
    if (title) [m, n] = [Number(title[1]), Number(title[2])]
    const [datapoints = '', filled, ...states] = line.split('|').map((cell) => cell.trim())
    if (!/^[0X-]( [0X-])+$/.test(datapoints)) continue
    rows.push({ m, n, datapoints, filled: Number(filled), states })
  }
  return rows
}

describe('as AWS documents it', () => {
  const rows = documentedRows()

  test('all thirteen rows are read', () => {
    expect(rows.map(({ states }) => states.length)).toEqual(Array(13).fill(4))
  })

  test.each(rows)('$m of $n: $datapoints', ({ m, n, datapoints, filled, states }) => {
    const settings = { evaluationPeriods: n, datapointsToAlarm: m }
    const found = TREATMENTS.map((treatMissingData) =>
      evaluate(standingsOf(datapoints), { ...settings, treatMissingData }),
    )
    expect(found.map(({ state }) => state)).toEqual(states)
    expect(found.map((evaluation) => evaluation.filled)).toEqual(Array(4).fill(filled))
    expect(evaluationRange({ ...settings, treatMissingData: 'missing' })).toBe(5)
  })

  // The examples in "Avoiding premature transitions to alarm state".
  test.each([
    ['- - - - X', 3],
    ['- - - X -', 3],
  ])('%s with %i datapoints to alarm does not go to ALARM at once', (datapoints, m) => {
    const settings = {
      evaluationPeriods: 3,
      datapointsToAlarm: m,
      treatMissingData: 'missing',
    } as const
    expect(evaluate(standingsOf(datapoints), settings).state).not.toBe('ALARM')
  })
})

describe('whatever the datapoints are', () => {
  const standing = fc.constantFrom<Standing>('within', 'breaching', 'missing')
  const settings = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
    .map(([a, b]) => ({ evaluationPeriods: Math.max(a, b), datapointsToAlarm: Math.min(a, b) }))
  const situation = settings.chain((setting) =>
    fc.record({
      setting: fc.constant(setting),
      treatMissingData: fc.constantFrom(...TREATMENTS),
      standings: fc.array(standing, {
        minLength: setting.evaluationPeriods + 2,
        maxLength: setting.evaluationPeriods + 2,
      }),
    }),
  )
  const each = (claim: (settings: EvaluationSettings, standings: readonly Standing[]) => void) =>
    fc.assert(
      fc.property(situation, ({ setting, treatMissingData, standings }) =>
        claim({ ...setting, treatMissingData }, standings),
      ),
    )

  test('N datapoints decide, real ones before filled ones, newest before older', () => {
    each((settings, standings) => {
      const { evaluated, filled } = evaluate(standings, settings)
      expect(evaluated.length + filled).toBe(settings.evaluationPeriods)
      expect(evaluated.every((index) => standings[index] !== 'missing')).toBe(true)
      const real = standings.flatMap((one, index) => (one === 'missing' ? [] : [index]))
      expect(evaluated).toEqual(real.slice(0, settings.evaluationPeriods))
    })
  })

  test('treating missing as breaching never hides an alarm that another treatment gives', () => {
    each((settings, standings) => {
      if (evaluate(standings, settings).state !== 'ALARM') return
      const strict = { ...settings, treatMissingData: 'breaching' } as const
      expect(evaluate(standings, strict).state).toBe('ALARM')
    })
  })

  test('with enough real datapoints the treatment does not matter', () => {
    each((settings, standings) => {
      if (evaluate(standings, settings).filled > 0) return
      const states = TREATMENTS.map(
        (treatMissingData) => evaluate(standings, { ...settings, treatMissingData }).state,
      )
      expect(new Set(states).size).toBe(1)
      expect(states[0]).toMatch(/^(OK|ALARM)$/)
    })
  })
})
