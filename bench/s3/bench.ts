import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { load } from '../machine.ts'
import { formatSpread, type Spread, spreadOf } from '../report.ts'
import { replicate, type Travelled } from './replication.ts'
import { type S3Server, startServers } from './servers.ts'
import { type Counts, diskLimit, MEASURES, type Measure, work } from './work.ts'

interface S3BenchOptions {
  /** 1: two thousand requests with short bodies and two hundred with long ones, in each round. */
  readonly scale: number
  readonly rounds: number
  readonly withPeers: boolean
  readonly folder: string | undefined
  readonly json: boolean
}

export const S3_USAGE = `npm run bench -- s3 [options]

Lifeboat's S3 and other local servers of S3, by turns on the same machine, 16 requests at a time; and the disk's own limit.
The others are installed into a temporary folder from the registry that npm is configured with.

  --scale N     how much is asked for in a round (default 1)
  --rounds N    how often each server is measured (default 3)
  --alone       Lifeboat and the disk only; nothing is installed
  --folder DIR  where to work (default: the folder for temporary files)
  --json        print one JSON object on stdout, and nothing else there
`

/** Undefined when the command line cannot be understood. */
export function parseS3Options(argv: readonly string[]): S3BenchOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        scale: { type: 'string', default: '1' },
        rounds: { type: 'string', default: '3' },
        alone: { type: 'boolean', default: false },
        folder: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const scale = Number(values.scale)
    const rounds = Number(values.rounds)
    if (!(scale > 0 && scale <= 100) || !(Number.isInteger(rounds) && rounds > 0)) return undefined
    return { scale, rounds, withPeers: !values.alone, folder: values.folder, json: values.json }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}

const DISK = 'disk: write + fdatasync'

export async function benchS3(o: S3BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(o.folder ?? tmpdir(), 'lifeboat-bench-s3-'))
  await chmod(folder, 0o711)
  const say = (message: string) => process.stderr.write(`${message}\n`)
  const loadBefore = load()
  if (loadBefore > 0.5) say(`the machine is busy (load ${loadBefore}): expect a wide spread`)
  let servers: S3Server[] = []
  try {
    servers = await startServers(folder, { withPeers: o.withPeers, say })
    const counts: Counts = {
      short: Math.ceil(2000 * o.scale),
      long: Math.ceil(200 * o.scale),
      pages: Math.ceil(100 * o.scale),
    }
    const found = new Map<string, Partial<Record<Measure, number[]>>>()
    const take = (name: string, rates: Partial<Record<Measure, number>>) => {
      const known = found.get(name) ?? {}
      for (const [measure, rate] of Object.entries(rates) as [Measure, number][]) {
        known[measure] = [...(known[measure] ?? []), rate]
      }
      found.set(name, known)
    }
    const travelled: Travelled[] = []
    for (let round = 0; round < o.rounds; round++) {
      // Whoever comes first finds other things in the page cache.
      const turn = round % 2 === 0 ? servers : servers.toReversed()
      for (const server of turn) {
        say(`round ${round + 1} of ${o.rounds}, ${server.name}`)
        const onFailure = (measure: Measure, error: Error) => {
          if (server.name.startsWith('Lifeboat')) throw error
          say(`${server.name} failed in ${measure}: ${error.message}`)
        }
        take(server.name, await work(server, round, counts, onFailure))
      }
      take(DISK, await diskLimit(folder, counts))
      say(`round ${round + 1} of ${o.rounds}, replication`)
      travelled.push(await replicate(servers[0]!, round, counts.short))
    }
    const lines = linesOf(found, servers)
    const replication = replicationOf(travelled)
    const machine = {
      ...{ cores: availableParallelism(), processor: cpus()[0]?.model, node: process.version },
      loadBefore,
    }
    process.stdout.write(
      o.json
        ? `${JSON.stringify({ scale: o.scale, rounds: o.rounds, machine, lines, replication }, null, 1)}\n`
        : `${tableOf(lines)}\n${legend(o, replication)}\n`,
    )
  } finally {
    for (const server of servers.reverse()) await server.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

interface Line {
  readonly server: string
  /** After an acknowledgement: when the power goes; after kill -9. */
  readonly keeps: string
  readonly perSecond: Partial<Record<Measure, Spread>>
  /** Lifeboat's median by this one's. */
  readonly ratio: Partial<Record<Measure, number>>
}

function linesOf(
  found: ReadonlyMap<string, Partial<Record<Measure, number[]>>>,
  servers: readonly S3Server[],
): Line[] {
  const spreads = new Map(
    [...found].map(([name, rates]) => [
      name,
      Object.fromEntries(
        Object.entries(rates).map(([measure, all]) => [measure, spreadOf(all)]),
      ) as Line['perSecond'],
    ]),
  )
  const ours = spreads.get('Lifeboat')!
  return [...spreads].map(([name, perSecond]) => ({
    server: name,
    keeps: servers.find((server) => server.name === name)?.keeps ?? 'all; all',
    perSecond,
    ratio: Object.fromEntries(
      Object.entries(perSecond).map(([measure, { median }]) => [
        measure,
        ours[measure as Measure]!.median / median,
      ]),
    ),
  }))
}

function tableOf(lines: readonly Line[]): string {
  const table = new Table({
    head: ['requests a second', ...MEASURES, 'kept: power; kill -9'],
    style: { head: [], border: [], compact: true },
  })
  for (const { server, perSecond, ratio, keeps } of lines) {
    const cells = MEASURES.map((measure) => {
      const spread = perSecond[measure]
      if (!spread) return '-'
      const compared = server === 'Lifeboat' ? '' : ` ×${ratio[measure]!.toFixed(2)}`
      return `${formatSpread(spread)}${compared}`
    })
    table.push([server, ...cells, keeps])
  }
  return table.toString()
}

type Replication = Readonly<Record<keyof Travelled, Spread>>

function replicationOf(all: readonly Travelled[]): Replication {
  const names: readonly (keyof Travelled)[] = ['objectsPerSecond', 'medianMs', 'p99Ms', 'maxMs']
  return Object.fromEntries(
    names.map((name) => [name, spreadOf(all.map((one) => one[name]))]),
  ) as Replication
}

function legend({ scale, rounds }: S3BenchOptions, replication: Replication): string {
  const { objectsPerSecond, medianMs, p99Ms, maxMs } = replication
  return [
    `Scale ${scale}, ${rounds} rounds, order alternating, 16 at a time; median (least-most). ×: Lifeboat's median by this one's.`,
    'Lifeboat answers when the object is on the disk, encrypted; the others sync nothing: what they keep stands at the end of their lines.',
    `Replication of 4 KiB, as fast as they are written: ${formatSpread(objectsPerSecond)} objects/s end to end; on the way ` +
      `${formatSpread(medianMs)} ms in the median, p99 ${formatSpread(p99Ms)} ms, at most ${formatSpread(maxMs)} ms.`,
  ].join('\n')
}
