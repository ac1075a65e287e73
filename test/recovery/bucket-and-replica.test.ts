import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { beginBackfill, followBackfill } from '../../src/recovery/objects/backfill.ts'
import { type CanaryTravel, canaryKey, sendCanary } from '../../src/recovery/objects/canary.ts'
import { pairStatusOf } from '../../src/recovery/objects/pair-status.ts'
import { findRulesBack, rulesHome } from '../../src/recovery/objects/rules-home.ts'
import type { ReplicatedBucket } from '../../src/recovery/workload.ts'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { until } from '../trials/trial-region.ts'

const world = twoRegions()
const clients = new Map<string, RegionClient>()
const at = (region: string): RegionClient => {
  const { maxAttempts: _, ...aws } = world.client(region)
  const client = clients.get(region) ?? new RegionClient({ ...aws, clock: systemClock })
  clients.set(region, client)
  return client
}
afterAll(() => {
  for (const client of clients.values()) client.close()
})

const RPO_SECONDS = 3_600

/** A pair of buckets with some objects that no rule was for. */
async function pair(name: string, before: readonly string[] = []): Promise<ReplicatedBucket> {
  const bucket = await world.bucket(HERE, `${name}-source`)
  const replica = await world.bucket(THERE, `${name}-replica`)
  for (const key of before) await put(bucket, key)
  return { bucket, prefixes: [''], references: [], replica: { bucket: replica, region: THERE } }
}

async function replicate({ bucket, replica }: ReplicatedBucket, o: { without?: string } = {}) {
  const role = await world.role(`${bucket}-role`, bucket, [replica.bucket], o.without)
  const rule = {
    ID: 'all',
    Status: 'Enabled',
    Priority: 1,
    Filter: { Prefix: '' },
    DeleteMarkerReplication: { Status: 'Disabled' },
    Destination: { Bucket: `arn:aws:s3:::${replica.bucket}` },
  } as const
  await world.replicate(HERE, bucket, role, [rule])
}

const put = (bucket: string, key: string) =>
  world.s3(HERE).send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'ten bytes!' }))

const look = (bucket: ReplicatedBucket, canary?: CanaryTravel) =>
  pairStatusOf({
    bucket,
    source: at(HERE).buckets,
    replica: at(THERE).buckets,
    canary,
    rpoSeconds: RPO_SECONDS,
    clock: systemClock,
  })

const send = (bucket: ReplicatedBucket) =>
  sendCanary({ bucket, source: at(HERE).buckets, replica: at(THERE).buckets, clock: systemClock })

/** A role that S3 Batch Operations may take. */
async function jobRole(name: string): Promise<string> {
  const statement = (more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] })
  const { Role } = await world.iam().send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: statement({
        Principal: { Service: 'batchoperations.s3.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  )
  const PolicyDocument = statement({
    Action: [
      's3:InitiateReplication',
      's3:GetReplicationConfiguration',
      's3:PutInventoryConfiguration',
    ],
    Resource: '*',
  })
  const policy = { RoleName: name, PolicyName: 'batch', PolicyDocument }
  await world.iam().send(new PutRolePolicyCommand(policy))
  return Role!.Arn!
}

test('all that is written is there, and a canary tells how long it takes and leaves nothing behind', async () => {
  const bucket = await pair('fresh')
  await replicate(bucket)
  for (const key of ['a', 'b', 'ü/ä +?', '\u{1f6df}', '\uff5e']) await put(bucket.bucket, key)
  await until('all is replicated', 60_000, async () => (await look(bucket)).missing?.versions === 0)

  const canary = await send(bucket)
  expect(canary.seconds).toBeGreaterThan(0)
  const status = await look(bucket, canary)
  expect(status).toMatchObject({
    state: 'met',
    oldestMissingSeconds: 0,
    total: { versions: 5, bytes: 50 },
    missing: { versions: 0, bytes: 0 },
    surplus: 0,
    canary,
    findings: [],
  })
  for (const [region, name] of [
    [HERE, bucket.bucket],
    [THERE, bucket.replica.bucket],
  ] as const) {
    const keys = (await world.versions(region, name)).map(({ key }) => key)
    expect(keys).not.toContain(canaryKey(bucket))
  }
})

test('what is older than the rule is counted as missing, with its age, until a backfill has copied it', async () => {
  const bucket = await pair('late', ['one', 'two', 'three'])
  await replicate(bucket)
  const before = await look(bucket)
  expect(before).toMatchObject({
    missing: { versions: 3, bytes: 30 },
    neverQueued: { versions: 3, bytes: 30 },
    pending: { versions: 0 },
    failed: { versions: 0 },
  })
  expect(before.oldestMissingSeconds).toBeGreaterThan(0)
  expect(before.findings).toContain(
    "3 versions of 'late-source' never stood in the queue: run lifeboat objects backfill.",
  )

  const region = at(HERE)
  const role = await jobRole('late-batch')
  const order = { region, bucket: bucket.bucket, role, token: 'once' }
  const job = await beginBackfill(order)
  expect(await beginBackfill(order)).toBe(job)
  const seen: number[] = []
  const ended = await followBackfill({
    region,
    job,
    clock: systemClock,
    signal: AbortSignal.timeout(60_000),
    onProgress: ({ succeeded }) => seen.push(succeeded),
  })
  expect(ended).toMatchObject({ status: 'completed', total: 3, succeeded: 3, failed: 0 })
  expect(seen.at(-1)).toBe(3)
  expect(await look(bucket)).toMatchObject({ state: 'met', missing: { versions: 0 } })
})

test('what a role may not replicate is failed, and heals after the role and by a backfill', async () => {
  const bucket = await pair('forbidden')
  await replicate(bucket, { without: 's3:ReplicateObject' })
  await put(bucket.bucket, 'one')
  await put(bucket.bucket, 'two')
  await until('both failed', 60_000, async () => (await look(bucket)).failed?.versions === 2)
  expect((await look(bucket)).findings).toContain(
    "2 versions of 'forbidden-source' failed to replicate: mend the role, then run lifeboat objects backfill.",
  )
  const region = at(HERE)
  const follow = async (token: string) => {
    const role = await jobRole(`forbidden-${token}`)
    const job = await beginBackfill({ region, bucket: bucket.bucket, role, token })
    const signal = AbortSignal.timeout(60_000)
    return followBackfill({ region, job, clock: systemClock, signal, onProgress: () => undefined })
  }
  await expect(follow('before')).rejects.toMatchObject({ code: 'ReplicationFailed' })
  expect(await look(bucket)).toMatchObject({ failed: { versions: 2 } })

  await world.grant('forbidden-source-role', bucket.bucket, [bucket.replica.bucket])
  expect(await follow('after')).toMatchObject({ total: 2, succeeded: 2 })
  expect(await look(bucket)).toMatchObject({ state: 'met', missing: { versions: 0 } })
  // S3 calls it a failure that there is nothing to do.
  expect(await follow('again')).toMatchObject({ status: 'completed', total: 0, failed: 0 })
})

test('sees delete markers, versions and rules that are missing over there', async () => {
  const bucket = await pair('holes')
  await replicate(bucket)
  for (const key of ['kept', 'deleted', 'destroyed']) await put(bucket.bucket, key)
  await until('all is replicated', 60_000, async () => (await look(bucket)).missing?.versions === 0)
  await world.s3(HERE).send(new DeleteObjectCommand({ Bucket: bucket.bucket, Key: 'deleted' }))
  const [there] = (await world.versions(THERE, bucket.replica.bucket)).filter(
    ({ key }) => key === 'destroyed',
  )
  await world.s3(THERE).send(
    new DeleteObjectCommand({
      Bucket: bucket.replica.bucket,
      Key: 'destroyed',
      VersionId: there!.versionId,
    }),
  )
  const status = await look(bucket)
  expect(status).toMatchObject({ missing: { versions: 1, bytes: 10 }, missingDeleteMarkers: 1 })
  expect(status.findings).toEqual([
    'no canary has travelled yet: lifeboat watch sends one each minute.',
    "1 version of 'holes-source' had arrived in 'holes-replica' and is there no more.",
    "1 delete markers of 'holes-source' are missing in 'holes-replica': those objects would be there again.",
  ])
  const unruled = await look({ ...(await pair('unruled')), prefixes: ['a/', 'b/'] })
  expect(unruled.findings).toContain(
    "no enabled rule replicates 'unruled-source' to 'unruled-replica'.",
  )
})

test('what cannot be told is unknown, never met: with either region away', async () => {
  const bucket = await pair('away')
  await replicate(bucket)
  await put(bucket.bucket, 'one')
  await until('it is replicated', 60_000, async () => (await look(bucket)).missing?.versions === 0)
  for (const region of [THERE, HERE]) {
    await world.kill(region)
    const status = await look(bucket)
    expect(status).toMatchObject({ state: 'unknown', oldestMissingSeconds: null, missing: null })
    expect(status.findings.join()).toContain(`region '${region}' does not answer`)
    const canary = await send(bucket)
    expect(canary).toMatchObject({
      seconds: null,
      reason: expect.stringContaining('does not answer'),
    })
    await world.start(region)
  }
  // A canary was written while the replica was away.
  await until('it is known again', 60_000, async () => (await look(bucket)).missing?.versions === 0)
})

test('a lost canary is said, and an old one counts for nothing', async () => {
  const bucket = await pair('canaries')
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
  const lost = { writtenAt: ago(10), seconds: null, reason: 'it had not arrived after 50 s' }
  expect((await look(bucket, lost)).findings.join()).toContain('is missing: it had not arrived')
  const old = await look(bucket, { writtenAt: ago(600), seconds: 0.4 })
  expect(old.canary).toBeNull()
  expect(old.findings.join()).toContain('does lifeboat watch run?')
})

test('the rules home lead back what was written away, once they are enabled, and are of no other bucket', async () => {
  const bucket = await pair('round')
  await replicate(bucket)
  const { replica } = bucket
  const home = await rulesHome(bucket, at(HERE).buckets, at(THERE).buckets)
  expect(await findRulesBack(bucket, at(THERE).buckets)).toEqual({
    enabled: [],
    disabled: [],
    role: null,
  })
  const { Role, Rules } = home.configuration
  const PolicyDocument = JSON.stringify(home.policy)
  await world.iam().send(
    new PutRolePolicyCommand({
      RoleName: 'round-source-role',
      PolicyName: 'home',
      PolicyDocument,
    }),
  )
  await world.replicate(THERE, replica.bucket, Role, [...Rules])
  expect(await findRulesBack(bucket, at(THERE).buckets)).toEqual({
    enabled: [],
    disabled: ['home'],
    role: Role,
  })

  const write = (Key: string) =>
    world.s3(THERE).send(new PutObjectCommand({ Bucket: replica.bucket, Key, Body: 'away' }))
  await write('before')
  await at(THERE).buckets.switchReplication(replica.bucket, bucket.bucket, true)
  const { VersionId } = await write('after')
  await until('it is home', 60_000, async () => {
    const versions = await world.versions(HERE, bucket.bucket)
    return versions.some(({ key, versionId }) => key === 'after' && versionId === VersionId)
  })
  const keys = (await world.versions(HERE, bucket.bucket)).map(({ key }) => key)
  expect(keys).toEqual(['after'])
})
