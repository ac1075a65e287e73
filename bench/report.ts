import Table from 'cli-table3'
import { type Findings, MEASURES, type Measure } from './side-by-side.ts'

/** What prototypes reached; a ratio above its bar is a loss of speed or space. */
const BARS: Readonly<Record<Measure | 'incremental bytes' | 'stored bytes', number>> = {
  full: 0.35,
  incremental: 0.1,
  'incremental bytes': 0.06,
  'stored bytes': 0.18,
  restore: 0.65,
  'restore, durable': 0.8,
  PITR: 0.5,
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Line {
  readonly dataSet: string
  readonly postgres: string
  readonly measure: string
  readonly unit: 's' | 'MB'
  readonly pgBackRest?: Spread
  readonly lifeboat: Spread
  /** Lifeboat's median by pgBackRest's, on the same PostgreSQL where both ran, else on the common one. */
  readonly ratio?: number
  readonly bar: number
  readonly cpuSeconds?: { readonly pgBackRest?: number; readonly lifeboat: number }
  readonly peakMegabytes?: { readonly pgBackRest?: number; readonly lifeboat: number }
}

/** One line for each thing measured, data set and PostgreSQL. */
export function linesOf(all: readonly Findings[]): Line[] {
  return all
    .filter(({ contender }) => contender === 'Lifeboat')
    .flatMap((lifeboat) => {
      const others = all.filter(
        (one) => one.contender === 'pgBackRest' && one.dataSet === lifeboat.dataSet,
      )
      const other = others.find(({ postgres }) => postgres === lifeboat.postgres) ?? others[0]
      return [
        ...MEASURES.map((measure) => timeLine(measure, lifeboat, other)),
        bytesLine(
          'incremental bytes',
          lifeboat,
          other,
          ({ storedBytes }) => storedBytes.incrementals,
        ),
        bytesLine('stored bytes', lifeboat, other, ({ storedBytes }) => [
          storedBytes.full + storedBytes.incrementals.reduce((sum, bytes) => sum + bytes, 0),
        ]),
      ]
    })
}

function timeLine(measure: Measure, lifeboat: Findings, other: Findings | undefined): Line {
  const ours = spreadOf(lifeboat.seconds[measure])
  const theirs = other && spreadOf(other.seconds[measure])
  const median = (findings: Findings, of: 'cpuSeconds' | 'peakBytes') =>
    spreadOf(findings.usage[measure].map((usage) => usage[of])).median
  return {
    ...common(lifeboat, measure, 's', ours, theirs),
    bar: BARS[measure],
    cpuSeconds: {
      lifeboat: median(lifeboat, 'cpuSeconds'),
      ...(other ? { pgBackRest: median(other, 'cpuSeconds') } : {}),
    },
    peakMegabytes: {
      lifeboat: median(lifeboat, 'peakBytes') / 1e6,
      ...(other ? { pgBackRest: median(other, 'peakBytes') / 1e6 } : {}),
    },
  }
}

function bytesLine(
  measure: 'incremental bytes' | 'stored bytes',
  lifeboat: Findings,
  other: Findings | undefined,
  bytesOf: (findings: Findings) => number[],
): Line {
  const spread = (findings: Findings) => spreadOf(bytesOf(findings).map((bytes) => bytes / 1e6))
  const line = common(lifeboat, measure, 'MB', spread(lifeboat), other && spread(other))
  return { ...line, bar: BARS[measure] }
}

function common(
  { dataSet, postgres }: Findings,
  measure: string,
  unit: Line['unit'],
  lifeboat: Spread,
  pgBackRest: Spread | undefined,
) {
  return {
    dataSet,
    postgres,
    measure,
    unit,
    lifeboat,
    ...(pgBackRest ? { pgBackRest, ratio: lifeboat.median / pgBackRest.median } : {}),
  }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

export function tableOf(lines: readonly Line[]): string {
  const table = new Table({
    head: [
      'data',
      'PostgreSQL',
      '',
      'pgBackRest',
      'Lifeboat',
      'ratio',
      'bar',
      'CPU s',
      'memory MB',
    ],
    style: { head: [], border: [], compact: true },
  })
  for (const line of lines) {
    const { cpuSeconds, peakMegabytes } = line
    table.push([
      line.dataSet,
      line.postgres,
      `${line.measure}, ${line.unit}`.replace(' bytes, MB', ', MB'),
      line.pgBackRest ? formatSpread(line.pgBackRest) : '-',
      formatSpread(line.lifeboat),
      line.ratio === undefined ? '-' : line.ratio.toFixed(3),
      line.ratio === undefined ? '-' : `${line.ratio <= line.bar ? '≤' : '> MISSED'} ${line.bar}`,
      cpuSeconds ? pair(cpuSeconds, 1) : '',
      peakMegabytes ? pair(peakMegabytes, 0) : '',
    ])
  }
  return table.toString()
}

export function formatSpread({ median, min, max }: Spread): string {
  const text = (value: number) => value.toFixed(value < 10 ? 2 : 1)
  return min === max ? text(median) : `${text(median)} (${text(min)}-${text(max)})`
}

function pair(
  { pgBackRest, lifeboat }: { readonly pgBackRest?: number; readonly lifeboat: number },
  digits: number,
): string {
  return [pgBackRest, lifeboat].map((value) => value?.toFixed(digits) ?? '-').join(' / ')
}
