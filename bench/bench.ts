import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgresBinaries, type PostgresBinaries } from '../src/postgres/binaries.ts'
import { DATA_SETS } from './data-sets.ts'
import { benchDns, DNS_USAGE, parseDnsOptions } from './dns/bench.ts'
import { load } from './machine.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'
import { pgBackRestVersion } from './pgbackrest.ts'
import { linesOf, tableOf } from './report.ts'
import { benchS3, parseS3Options, S3_USAGE } from './s3/bench.ts'
import { type Findings, runFolder, sideBySide } from './side-by-side.ts'
import { benchSync, parseSyncOptions, SYNC_USAGE } from './sync/bench.ts'

/** The newest PostgreSQL that the pgBackRest of Debian 12 knows. */
const COMMON_MAJOR = 15

const [subject, ...rest] = process.argv.slice(2)
process.exitCode = await start()

/** What was asked for, or how it is asked for. */
async function start(): Promise<number | undefined> {
  const dns = subject === 'dns' ? parseDnsOptions(rest) : undefined
  const s3 = subject === 's3' ? parseS3Options(rest) : undefined
  const sync = subject === 'sync' ? parseSyncOptions(rest) : undefined
  const other = usageOf(subject)
  const own = other ? undefined : parseOptions(process.argv.slice(2))
  if (dns) await benchDns(dns)
  else if (s3) await benchS3(s3)
  else if (sync) await benchSync(sync)
  else if (own) await bench(own)
  else {
    process.stderr.write(other ?? USAGE)
    return 2
  }
  return process.exitCode as number | undefined
}

/** Of a benchmark that has a name; undefined for the one that has none. */
function usageOf(name: string | undefined): string | undefined {
  if (name === 'dns') return DNS_USAGE
  if (name === 's3') return S3_USAGE
  return name === 'sync' ? SYNC_USAGE : undefined
}

async function bench(o: BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(o.folder ?? tmpdir(), 'lifeboat-bench-'))
  await chmod(folder, 0o711)
  const say = (message: string) => process.stderr.write(`${message}\n`)
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  try {
    const installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
    const version = await pgBackRestVersion()
    if (!version) say('skipped: needs pgBackRest')
    if (!installed.some(({ major }) => major === COMMON_MAJOR))
      say(`skipped: needs PostgreSQL ${COMMON_MAJOR}`)
    const loadBefore = load()
    if (loadBefore > 0.5) say(`the machine is busy (load ${loadBefore}): expect a wide spread`)

    const findings: Findings[] = []
    for (const name of o.dataSets) {
      for (const binaries of inOrder(installed)) {
        const dataSet = DATA_SETS[name]
        const title = `${dataSet.title}, PostgreSQL ${binaries.version}`
        findings.push(
          ...(await sideBySide({
            folder: runFolder(folder, dataSet, binaries),
            templates: join(folder, 'templates'),
            binaries,
            dataSet,
            withPgBackRest: version !== undefined && binaries.major === COMMON_MAJOR,
            scale: o.scale,
            rounds: o.rounds,
            onProgress: (message) => say(`${title}: ${message}`),
            signal: ending.signal,
          })),
        )
        // A long run may not come to its end: what is known is told at once.
        say(tableOf(linesOf(findings)))
      }
    }
    const lines = linesOf(findings)
    const machine = {
      cores: availableParallelism(),
      processor: cpus()[0]?.model,
      loadBefore,
      node: process.version,
    }
    if (o.json) {
      const { scale, rounds } = o
      process.stdout.write(
        `${JSON.stringify({ scale, rounds, machine, pgBackRest: version, lines, findings }, null, 1)}\n`,
      )
    } else {
      process.stdout.write(`${tableOf(lines)}\n${legend(o, findings)}\n`)
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error
    process.exitCode = 130
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The common PostgreSQL first, so that the others have something to be compared with; then the newest. */
function inOrder(installed: readonly PostgresBinaries[]): PostgresBinaries[] {
  const common = installed.filter(({ major }) => major === COMMON_MAJOR)
  return [...common, ...installed.filter(({ major }) => major !== COMMON_MAJOR)]
}

function legend({ scale, rounds }: BenchOptions, findings: readonly Findings[]): string {
  const sizes = findings
    .filter(({ contender }) => contender === 'Lifeboat')
    .map(
      (one) =>
        `${one.dataSet} on ${one.postgres} ${(one.clusterBytes / 1e9).toFixed(2)} GB, WAL ${(one.walBytes / 1e6).toFixed(0)} MB`,
    )
  return [
    `Scale ${scale}, ${rounds} rounds, order alternating; median (least-most). Sizes: ${sizes.join('; ')}.`,
    'CPU: of the whole machine, server included. Memory: of the program, without the server. Both pgBackRest / Lifeboat.',
    'Restore: of the last of six incrementals, until a write was committed; durable: until a power cut would lose nothing.',
    'Lifeboat is a resident service and is timed from request to answer; stored bytes are without archived WAL on both sides.',
  ].join('\n')
}
