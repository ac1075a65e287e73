import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { systemClock } from '../../src/core/clock.ts'
import { ACCOUNT_ID } from '../../src/region/account.ts'
import { S3Client, type S3Credentials } from './s3-client.ts'
import { OTHER_REGION, REGION, type S3Server } from './servers.ts'
import { perSecond } from './work.ts'

const BODY = Buffer.alloc(4 << 10, 'x')
const CONNECTIONS = 16
const DEADLINE_MS = 120_000
const ROLE = 'bench-replication'

/** What was seen of one round. Times are milliseconds, from the acknowledgement to the arrival. */
export interface Travelled {
  readonly objectsPerSecond: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Writes objects as fast as the source takes them, until all of them are in the other region. */
export async function replicate(
  server: S3Server,
  round: number,
  count: number,
): Promise<Travelled> {
  const here = clientOf(server, REGION)
  const there = clientOf(server, OTHER_REGION)
  const [source, copy] = [`bench-source-${round}`, `bench-copy-${round}`]
  try {
    await prepare(server.endpoint, server.credentials, here, there, { source, copy })
    const acknowledged = new Map<string, number>()
    const arrived = new Map<string, number>()
    const began = performance.now()
    const watching = watch(there, copy, arrived, count)
    await perSecond(count, async (index) => {
      const key = String(index).padStart(6, '0')
      await here.send('PUT', `/${source}/${key}`, { body: BODY })
      acknowledged.set(key, performance.now())
    })
    await watching
    const seconds = (performance.now() - began) / 1000
    const times = [...acknowledged]
      .map(([key, at]) => Math.max(0, arrived.get(key)! - at))
      .sort((a, b) => a - b)
    const quantile = (part: number) => times[Math.min(count - 1, Math.floor(part * count))]!
    return {
      objectsPerSecond: count / seconds,
      medianMs: quantile(0.5),
      p99Ms: quantile(0.99),
      maxMs: times.at(-1)!,
    }
  } finally {
    here.close()
    there.close()
  }
}

function clientOf({ endpoint, credentials }: S3Server, region: string): S3Client {
  return new S3Client({ endpoint, credentials, region, connections: CONNECTIONS })
}

/** Lists what is new in the copy, again and again. */
async function watch(
  there: S3Client,
  bucket: string,
  arrived: Map<string, number>,
  count: number,
): Promise<void> {
  const deadline = systemClock.monotonicMs() + DEADLINE_MS
  // Keys arrive nearly in order: all before this one are there.
  for (let complete = 0; arrived.size < count; ) {
    if (systemClock.monotonicMs() > deadline) throw new Error('the replicas do not arrive')
    const after = String(complete - 1).padStart(6, '0')
    const query = [
      ['list-type', '2'],
      ['start-after', complete === 0 ? '' : after],
    ] as const
    const page = (await there.send('GET', `/${bucket}`, { query })).toString()
    const now = performance.now()
    for (const [, key = ''] of page.matchAll(/<Key>(\d+)<\/Key>/g)) {
      if (!arrived.has(key)) arrived.set(key, now)
    }
    while (arrived.has(String(complete).padStart(6, '0'))) complete += 1
    await systemClock.sleep(10)
  }
}

async function prepare(
  endpoint: string,
  credentials: S3Credentials,
  here: S3Client,
  there: S3Client,
  { source, copy }: { source: string; copy: string },
): Promise<void> {
  const versioning = Buffer.from(
    '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  )
  const location = `<CreateBucketConfiguration><LocationConstraint>${OTHER_REGION}</LocationConstraint></CreateBucketConfiguration>`
  await here.send('PUT', `/${source}`)
  await there.send('PUT', `/${copy}`, { body: Buffer.from(location) })
  for (const [client, bucket] of [
    [here, source],
    [there, copy],
  ] as const) {
    await client.send('PUT', `/${bucket}`, { query: [['versioning', '']], body: versioning })
  }
  await ensureRole(endpoint, credentials)
  const rule = `<Rule><ID>all</ID><Status>Enabled</Status><Prefix></Prefix><Destination><Bucket>arn:aws:s3:::${copy}</Bucket></Destination></Rule>`
  const role = `<Role>arn:aws:iam::${ACCOUNT_ID}:role/${ROLE}</Role>`
  await here.send('PUT', `/${source}`, {
    query: [['replication', '']],
    body: Buffer.from(`<ReplicationConfiguration>${role}${rule}</ReplicationConfiguration>`),
  })
}

/** One that S3 may assume and that may do all; the rounds share it. */
async function ensureRole(endpoint: string, credentials: S3Credentials): Promise<void> {
  const iam = new IAMClient({ endpoint, credentials, region: REGION })
  const document = (Statement: object) => JSON.stringify({ Version: '2012-10-17', Statement })
  const trust = {
    ...{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 's3.amazonaws.com' } },
  }
  const role = { RoleName: ROLE, AssumeRolePolicyDocument: document(trust) }
  const made = iam.send(new CreateRoleCommand(role))
  await made.catch((error: Error) => {
    if (error.name !== 'EntityAlreadyExistsException') throw error
  })
  const PolicyDocument = document({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const policy = { RoleName: ROLE, PolicyName: 'all', PolicyDocument }
  await iam.send(new PutRolePolicyCommand(policy))
  iam.destroy()
}
