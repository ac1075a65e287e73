import { Resolver } from 'node:dns/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ECS } from '@aws-sdk/client-ecs'
import { IAM } from '@aws-sdk/client-iam'
import { type DBInstance, RDS } from '@aws-sdk/client-rds'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { environmentOf, IMAGES, markedProcesses } from '../aws/ecs/ecs-under-test.ts'
import { MASTER } from '../aws/rds/rds-under-test.ts'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { until } from '../trials/trial-region.ts'

export { HERE, THERE }

/**
 * How long somebody outside waits for an answer before it counts as none, in milliseconds: many times what a busy machine needs,
 * as it is only waited out where something is wrong.
 */
const PATIENCE_MS = 30_000
/** Where no answer is expected, or where is asked again: many times what an answer takes. */
export const BRIEFLY = 2500

/** What somebody outside sees: an answer, a refusal at once, or nothing in time. */
export type Sight = 'up' | 'down' | 'silent'

/**
 * A home whose first region runs a database and a service, and replicates to its second one, looked at from outside: by AWS
 * clients, SQL, DNS and the process table.
 */
export function brokenWorld() {
  const world = twoRegions()
  let instance: DBInstance
  let dns: string

  const sight = async (
    patienceMs: number,
    look: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<Sight> => {
    const signal = AbortSignal.timeout(patienceMs)
    const late = new Promise<Sight>((resolve) => {
      signal.addEventListener('abort', () => resolve('silent'), { once: true })
    })
    const seen = look(signal).then(
      (): Sight => 'up',
      (): Sight => (signal.aborted ? 'silent' : 'down'),
    )
    return await Promise.race([seen, late])
  }
  // Each client has connections of its own, and a gateway takes so many at a time.
  const clients = new Map<string, { destroy(): void }>()
  const known = <Client extends { destroy(): void }>(name: string, make: () => Client): Client => {
    const client = clients.get(name) ?? make()
    clients.set(name, client)
    return client as Client
  }
  const secrets = (region: string) => known(region, () => new SecretsManager(world.client(region)))
  const ecs = () => known('ecs', () => new ECS(world.client(HERE)))
  const iam = () => known('iam', () => new IAM(world.client(THERE)))

  beforeAll(async () => {
    const file = join(world.home().folder, 'images.json')
    await writeFile(file, JSON.stringify(IMAGES), { mode: 0o600 })
    dns = (await world.home().status()).dnsAddress!
    const rds = new RDS(world.client(HERE))
    await rds.createDBInstance({
      ...{ DBInstanceIdentifier: 'shop-db', DBInstanceClass: 'db.t3.micro', Engine: 'postgres' },
      ...{ AllocatedStorage: 20, DBName: 'shop', BackupRetentionPeriod: 0, ...MASTER },
    })
    const container = { name: 'main', image: 'waiting', memory: 64 }
    await ecs().createCluster({})
    await ecs().registerTaskDefinition({ family: 'web', containerDefinitions: [container] })
    await ecs().createService({ serviceName: 'web', taskDefinition: 'web', desiredCount: 2 })
    await until('the database is available', 90_000, async () => {
      const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier: 'shop-db' })
      instance = DBInstances![0]!
      return instance.DBInstanceStatus === 'available'
    })
    await sql('create table kept as select generate_series(1, 1000) as n')
    await secrets(HERE).createSecret({ Name: 'kept', SecretString: 'as it was' })
    await until('the service runs', 60_000, async () => (await tasks()).length === 2)
  }, 180_000)
  afterAll(async () => {
    for (const name of [HERE, THERE, 'global', 'dns']) await world.home().lift(name)
    for (const client of clients.values()) client.destroy()
  })

  const sql = async (text: string, signal?: AbortSignal) => {
    const client = new pg.Client({
      host: instance.Endpoint!.Address!,
      port: instance.Endpoint!.Port!,
      user: MASTER.MasterUsername,
      password: MASTER.MasterUserPassword,
      database: 'shop',
    })
    client.on('error', () => undefined)
    const end = () => client.end().catch((error: unknown) => error)
    signal?.addEventListener('abort', end, { once: true })
    await client.connect()
    try {
      return (await client.query(text)).rows as Record<string, unknown>[]
    } finally {
      await end()
    }
  }
  /** The ARNs of the service's tasks that run. */
  const tasks = async () => {
    const { taskArns: listed = [] } = await ecs().listTasks({ serviceName: 'web' })
    if (listed.length === 0) return []
    const { tasks: described = [] } = await ecs().describeTasks({ tasks: listed })
    return described
      .filter(({ lastStatus }) => lastStatus === 'RUNNING')
      .map(({ taskArn }) => taskArn!)
  }

  return {
    ...world,
    api: (region: string, patienceMs = PATIENCE_MS) =>
      sight(patienceMs, (abortSignal) => secrets(region).listSecrets({}, { abortSignal })),
    globalApi: (patienceMs = PATIENCE_MS) =>
      sight(patienceMs, (abortSignal) => iam().listUsers({}, { abortSignal })),
    database: (patienceMs = PATIENCE_MS) => sight(patienceMs, (signal) => sql('select 1', signal)),
    /** A name server that knows no zone refuses: then it is up. */
    dns: (patienceMs = PATIENCE_MS) =>
      sight(patienceMs, async (signal) => {
        // Its own patience is longer, so that it gives up as everybody here does.
        const resolver = new Resolver({ timeout: 2 * patienceMs, tries: 1 })
        signal.addEventListener('abort', () => resolver.cancel(), { once: true })
        resolver.setServers([dns])
        await resolver.resolve4('example.test').catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EREFUSED') throw error
        })
      }),
    sql,
    tasks,
    endTask: (arn: string) => {
      for (const pid of markedProcesses(arn)) process.kill(pid, 'SIGKILL')
    },
    /** Its tasks as the process table shows them, which needs no API: their ids. */
    taskIds: () => runningTasks(world.client(HERE).endpoint),
    /** Stops all of the home and starts it on the same ports. */
    restartHome: async () => {
      const [port, dnsPort] = [world.client(HERE).endpoint, dns].map((address) =>
        Number(address.slice(address.lastIndexOf(':') + 1)),
      ) as [number, number]
      await world.home().stop()
      await world.home().start([], { port, dnsPort, detach: true })
    },
    /** The states of the tasks' processes, as the kernel has them: `S` waits, `T` is stopped. */
    states: (arns: readonly string[]) =>
      arns.flatMap(markedProcesses).map((pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        return stat.slice(stat.lastIndexOf(')') + 2)[0]
      }),
    /** How many milliseconds the API of a region takes to answer: the fastest of three, as a busy machine is slow, too. */
    latency: async (region: string) => {
      const client = secrets(region)
      await client.listSecrets({})
      const times: number[] = []
      for (let call = 0; call < 3; call++) {
        const before = performance.now()
        await client.listSecrets({})
        times.push(performance.now() - before)
      }
      return Math.min(...times)
    },
    /** Begins to replicate a new secret from one region to the other. */
    replicateSecret: async (from: string, to: string, Name: string) => {
      await secrets(from).createSecret({
        ...{ Name, SecretString: Name, AddReplicaRegions: [{ Region: to }] },
      })
    },
    isInSync: async (region: string, SecretId: string) => {
      const { ReplicationStatus = [] } = await secrets(region).describeSecret({ SecretId })
      return ReplicationStatus[0]?.Status === 'InSync'
    },
    /** The client of Secrets Manager of a region. */
    secrets,
    value: async (region: string, SecretId: string) =>
      (await secrets(region).getSecretValue({ SecretId })).SecretString,
    outagesOf: async (name: string) => {
      const status = await world.home().status()
      const all = [...status.regions, status.global, status.dns]
      return all.find((one) => one.name === name)?.outages ?? []
    },
  }
}

/** The tasks of the home at an endpoint: their processes hold both in their environment. */
function runningTasks(endpoint: string): Set<string> {
  const ids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(environmentOf)
    .filter((environment) => environment.includes(`AWS_ENDPOINT_URL=${endpoint}\0`))
    .flatMap((environment) => /\/v4\/([0-9a-f]{32})-\d+\0/.exec(environment)?.[1] ?? [])
  return new Set(ids)
}
