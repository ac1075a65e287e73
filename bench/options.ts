import { parseArgs } from 'node:util'
import type { DataSetName } from './data-sets.ts'

export interface BenchOptions {
  /** 1 is the size of the published figures: 1.6 and 0.9 GB, 500 MB of WAL. */
  readonly scale: number
  /** How often each full backup and each restore is measured. */
  readonly rounds: number
  readonly dataSets: readonly DataSetName[]
  /** Where clusters and repositories are made, and removed at the end. */
  readonly folder: string | undefined
  readonly json: boolean
}

export const USAGE = `npm run bench -- [options]

Lifeboat and pgBackRest side by side on PostgreSQL 15, and Lifeboat alone on newer ones. 'npm run bench -- s3' compares
the object store with other local servers of S3, 'npm run bench -- dns' measures the name server, 'npm run bench -- sync'
commits that wait for a replica in another region.

  --scale N        size of the data, 1 for the published figures (default 1; 0.1 takes a minute or two)
  --rounds N       how often each full backup and restore is measured (default 3)
  --data a|b|a,b   a: pgbench's tables, which compress 38:1; b: rows that compress about 3.5:1 (default a,b)
  --folder DIR     where to work (default: the folder for temporary files)
  --json           print one JSON object on stdout, and nothing else there
`

/** Undefined when the command line cannot be understood. */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const values = valuesOf(argv)
  if (!values) return undefined
  const scale = Number(values.scale)
  const rounds = Number(values.rounds)
  const dataSets = values.data.split(',')
  if (!(scale > 0 && scale <= 100) || !(Number.isInteger(rounds) && rounds > 0)) return undefined
  if (!dataSets.every((name) => name === 'a' || name === 'b')) return undefined
  return { scale, rounds, dataSets, folder: values.folder, json: values.json }
}

function valuesOf(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        scale: { type: 'string', default: '1' },
        rounds: { type: 'string', default: '3' },
        data: { type: 'string', default: 'a,b' },
        folder: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}
