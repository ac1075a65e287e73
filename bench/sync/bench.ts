import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type DBInstance, RDS } from '@aws-sdk/client-rds'
import pg from 'pg'
import { RegionHome } from '../../src/region/region-home.ts'
import { load } from '../machine.ts'
import { formatSpread, type Spread, spreadOf } from '../report.ts'

interface SyncBenchOptions {
  readonly seconds: number
  readonly rounds: number
  readonly json: boolean
}

export const SYNC_USAGE = `npm run bench -- sync [options]

Commits a second of a database with a replica in another embedded region, by 1 and by 8 sessions: without waiting for the replica,
and with lifeboat.synchronous_replicas = 1, by turns. Both regions share this machine's disk, and no distance lies between them.

  --seconds N   how long each is measured in a round (default 5)
  --rounds N    how often (default 3)
  --json        print one JSON object on stdout, and nothing else there
`

/** Undefined when the command line cannot be understood. */
export function parseSyncOptions(argv: readonly string[]): SyncBenchOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seconds: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
      },
    })
    const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)]
    const isRight = seconds > 0 && Number.isInteger(rounds) && rounds > 0
    return isRight ? { seconds, rounds, json: values.json } : undefined
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}

const [SOURCE, AWAY] = ['ap-southeast-1', 'us-east-1']
const GROUP = 'bench'
const SESSIONS = [1, 8]
const MADE_WITHIN_MS = 300_000

interface Line {
  readonly sessions: number
  /** Commits a second. */
  readonly asynchronous: Spread
  readonly synchronous: Spread
  /** Synchronous by asynchronous, of the medians. */
  readonly ratio: number
}

export async function benchSync({ seconds, rounds, json }: SyncBenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-bench-sync-'))
  await chmod(folder, 0o711)
  const loadBefore = load()
  const home = new RegionHome(join(folder, 'home'))
  await home.start([SOURCE, AWAY], { port: 0, detach: true })
  try {
    const pair = await Pair.make(home)
    const lines: Line[] = []
    for (const sessions of SESSIONS) {
      const rates: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round++) {
        for (const replicas of [0, 1] as const) {
          await pair.waitFor(replicas)
          rates[replicas].push(await pair.commitRate(sessions, seconds))
        }
      }
      const [asynchronous, synchronous] = [spreadOf(rates[0]), spreadOf(rates[1])]
      const ratio = synchronous.median / asynchronous.median
      lines.push({ sessions, asynchronous, synchronous, ratio })
    }
    pair.close()
    process.stdout.write(
      json
        ? `${JSON.stringify({ seconds, rounds, loadBefore, lines })}\n`
        : `${lines.map(wordsOf).join('\n')}\nmedian (least-most) of ${rounds} rounds of ${seconds} s; load before ${loadBefore}\n`,
    )
  } finally {
    await home.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function wordsOf({ sessions, asynchronous, synchronous, ratio }: Line): string {
  const who = sessions === 1 ? '1 session' : `${sessions} sessions`
  return (
    `${who}: ${formatSpread(asynchronous)} commits/s without waiting, ` +
    `${formatSpread(synchronous)} with: ${(ratio * 100).toFixed(0)} %`
  )
}

/** A database and its replica in another region. */
class Pair {
  private constructor(
    private readonly source: RDS,
    private readonly login: pg.ClientConfig,
  ) {}

  static async make(home: RegionHome): Promise<Pair> {
    const environment = await home.environment()
    const clientOf = (region: string) =>
      new RDS({
        region,
        endpoint: environment.AWS_ENDPOINT_URL!,
        credentials: {
          accessKeyId: environment.AWS_ACCESS_KEY_ID!,
          secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
        },
      })
    const [source, away] = [clientOf(SOURCE), clientOf(AWAY)]
    await source.createDBParameterGroup({
      DBParameterGroupName: GROUP,
      DBParameterGroupFamily: 'postgres18',
      Description: 'with and without waiting',
    })
    const password = randomBytes(12).toString('hex')
    await source.createDBInstance({
      DBInstanceIdentifier: 'source',
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      DBName: 'bench',
      MasterUsername: 'bench',
      MasterUserPassword: password,
      BackupRetentionPeriod: 1,
      DBParameterGroupName: GROUP,
    })
    const { DBInstanceArn, Endpoint } = await available(source, 'source')
    await away.createDBInstanceReadReplica({
      DBInstanceIdentifier: 'replica',
      SourceDBInstanceIdentifier: DBInstanceArn!,
    })
    await available(away, 'replica')
    away.destroy()
    const login = {
      host: Endpoint!.Address!,
      port: Endpoint!.Port!,
      user: 'bench',
      password,
      database: 'bench',
    }
    const client = new pg.Client(login)
    await client.connect()
    await client.query('create table commits (number bigserial, filler text)')
    await client.end()
    return new Pair(source, login)
  }

  async waitFor(replicas: 0 | 1): Promise<void> {
    const ParameterName = 'lifeboat.synchronous_replicas'
    await this.source.modifyDBParameterGroup({
      DBParameterGroupName: GROUP,
      Parameters: [{ ParameterName, ParameterValue: `${replicas}`, ApplyMethod: 'immediate' }],
    })
  }

  /** Commits a second, each of one row of 300 bytes. */
  async commitRate(sessions: number, seconds: number): Promise<number> {
    const clients = Array.from({ length: sessions }, () => new pg.Client(this.login))
    await Promise.all(clients.map((client) => client.connect()))
    const startedAt = performance.now()
    const end = startedAt + seconds * 1000
    const commit = async (client: pg.Client) => {
      let count = 0
      for (; performance.now() < end; count++) {
        await client.query("insert into commits (filler) values (repeat('x', 300))")
      }
      return count
    }
    const counts = await Promise.all(clients.map(commit))
    const tookMs = performance.now() - startedAt
    await Promise.all(clients.map((client) => client.end()))
    return (counts.reduce((sum, count) => sum + count, 0) * 1000) / tookMs
  }

  close(): void {
    this.source.destroy()
  }
}

async function available(rds: RDS, identifier: string): Promise<DBInstance> {
  for (const end = Date.now() + MADE_WITHIN_MS; Date.now() < end; await sleep(50)) {
    const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier: identifier })
    const [instance] = DBInstances ?? []
    if (instance?.DBInstanceStatus === 'available') return instance
  }
  throw new Error(`'${identifier}' was not available within ${MADE_WITHIN_MS / 1000} s`)
}
