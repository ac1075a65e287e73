import { once } from 'node:events'
import { get, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refused } from './s3-under-test.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

const world = twoRegions()
const HOME = { [HERE]: 'home-here', [THERE]: 'home-there' }

let here: S3
let there: S3
beforeAll(async () => {
  here = new S3({ ...world.client(HERE), forcePathStyle: true })
  there = new S3({ ...world.client(THERE), forcePathStyle: true })
  await world.bucket(HERE, HOME[HERE])
  await world.bucket(THERE, HOME[THERE])
})
afterAll(() => {
  here.destroy()
  there.destroy()
})

/** The answer to a request whose host names what the address does not: its status and the region it tells. */
function withHost(url: string, host: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers: { host } }, (reply) => {
      reply.resume()
      resolve([reply.statusCode ?? 0, `${reply.headers['x-amz-bucket-region']}`])
    })
    asked.on('error', reject)
  })
}

/** Lets everybody do it. */
async function open(s3: S3, Bucket: string, Action: string, keys: string) {
  await s3.deletePublicAccessBlock({ Bucket })
  const Resource = `arn:aws:s3:::${Bucket}/${keys}`
  const statement = { Effect: 'Allow', Principal: '*', Action, Resource }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await s3.putBucketPolicy({ Bucket, Policy })
}

/** Sends a body when it is asked for, and not before. */
async function patientPut(url: string, body: Buffer) {
  const headers = { expect: '100-continue', 'content-length': `${body.length}` }
  const asked = request(url, { method: 'PUT', headers, agent: false })
  let isAsked = false
  asked.once('continue', () => {
    isAsked = true
    asked.end(body)
  })
  asked.flushHeaders()
  const [reply] = await once(asked, 'response')
  reply.resume()
  asked.destroy()
  return { status: reply.statusCode, isAsked }
}

describe('a bucket of another region', () => {
  test('is redirected to that region, whatever is asked of it', async () => {
    const moved = {
      status: 301,
      headers: expect.objectContaining({ 'x-amz-bucket-region': THERE }),
    }
    const Bucket = HOME[THERE]
    const code = 'PermanentRedirect'
    const put = await refused(here.putObject({ Bucket, Key: 'k', Body: 'lost' }))
    expect(put).toMatchObject({ ...moved, code })
    expect(await refused(here.listObjectsV2({ Bucket }))).toMatchObject({ ...moved, code })
    expect(await refused(here.deleteBucket({ Bucket }))).toMatchObject({ ...moved, code })
    expect(await refused(here.headBucket({ Bucket }))).toMatchObject(moved)
    expect((await there.listObjectsV2({ Bucket })).KeyCount).toBe(0)
    expect(await refused(here.headBucket({ Bucket: 'no-such' }))).toMatchObject({ status: 404 })
    const tooLong = 'x'.repeat(300)
    expect(await refused(here.headBucket({ Bucket: tooLong }))).toMatchObject({ status: 404 })
  })

  test('is found by a client that follows, and by one that signs for no region there is', async () => {
    const { endpoint, credentials } = world.client(HERE)
    const o = { endpoint, credentials, forcePathStyle: true }
    const following = new S3({ ...o, region: HERE, followRegionRedirects: true })
    const at = { Bucket: HOME[THERE], Key: 'followed' }
    await following.putObject({ ...at, Body: 'followed' })
    const got = await there.getObject(at)
    expect(await got.Body!.transformToString()).toBe('followed')
    await there.deleteObject(at)
    following.destroy()
    const lost = new S3({ ...o, region: 'eu-west-1' })
    const wrong = await refused(lost.putObject({ ...at, Body: 'lost' }))
    expect(wrong).toMatchObject({ code: 'AuthorizationHeaderMalformed', status: 400 })
    expect(wrong.message).toContain(`the region 'eu-west-1' is wrong; expecting '${THERE}'`)
    expect(wrong.headers['x-amz-bucket-region']).toBe(THERE)
    expect(await refused(there.headObject(at))).toMatchObject({ status: 404 })
    lost.destroy()
  })

  test('is open to anybody by one address, when it is open', async () => {
    const Bucket = HOME[THERE]
    const { endpoint } = world.client(HERE)
    const unsigned = (path: string, init?: RequestInit) => fetch(`${endpoint}/${path}`, init)
    const shut = await unsigned(Bucket, { method: 'HEAD' })
    expect([shut.status, shut.headers.get('x-amz-bucket-region')]).toEqual([403, THERE])
    await there.putObject({ Bucket, Key: 'open', Body: 'to all' })
    await open(there, Bucket, 's3:GetObject', '*')
    expect(await (await unsigned(`${Bucket}/open`)).text()).toBe('to all')
    expect((await unsigned(`${HOME[HERE]}/open`)).status).toBe(403)
    const named = await withHost(`${endpoint}/${Bucket}/open`, `s3.${HERE}.localhost`)
    expect(named).toEqual([301, THERE])
  })
})

describe('a client that waits to be told to send its body', () => {
  test.each(['the gateway', 'a region'])('is told by %s when the body is wanted', async (whose) => {
    const Bucket = HOME[HERE]
    await open(here, Bucket, 's3:PutObject', 'open/*')
    const { regions } = await world.home().status()
    const own = regions.find(({ name }) => name === HERE)?.port
    const port = whose === 'a region' ? own : new URL(world.client(HERE).endpoint).port
    const at = `http://127.0.0.1:${port}/${Bucket}`
    for (const length of [0, 3_000_000]) {
      const Key = `open/${whose}-${length}`
      const put = await patientPut(`${at}/${Key}`, Buffer.alloc(length, 'b'))
      expect(put).toEqual({ status: 200, isAsked: true })
      expect((await here.headObject({ Bucket, Key })).ContentLength).toBe(length)
      await here.deleteObject({ Bucket, Key })
    }
    const denied = await patientPut(`${at}/shut`, Buffer.alloc(100))
    expect(denied).toEqual({ status: 403, isAsked: false })
    expect(await refused(here.headObject({ Bucket, Key: 'shut' }))).toMatchObject({ status: 404 })
  })
})

test('a client that takes the gateway for its proxy is answered as well', async () => {
  const { port } = new URL(world.client(HERE).endpoint)
  const host = `s3.localhost:${port}`
  await there.putObject({ Bucket: HOME[THERE], Key: 'open', Body: 'to all' })
  const options = { port, host: '127.0.0.1', headers: { host } }
  const asked = get({ ...options, path: `http://${host}/${HOME[THERE]}/open` })
  const [reply] = await once(asked, 'response')
  expect(reply.statusCode).toBe(200)
  expect(await text(reply)).toBe('to all')
})

describe('ListBuckets', () => {
  test('lists those of all regions, in pages, by prefix and by region', async () => {
    const both = [HOME[HERE], HOME[THERE]].sort()
    const plain = await here.listBuckets()
    expect(plain.Buckets?.map(({ Name }) => Name)).toEqual(both)
    expect(plain.Buckets?.every(({ BucketRegion }) => BucketRegion === undefined)).toBe(true)
    const { Buckets: told } = await there.listBuckets({ Prefix: 'home-' })
    expect(told?.map(({ Name, BucketRegion }) => [Name, BucketRegion])).toEqual([
      [HOME[HERE], HERE],
      [HOME[THERE], THERE],
    ])
    const createdAt = (list: typeof told) => list?.map(({ CreationDate }) => CreationDate!)
    expect(createdAt(told)).toEqual(createdAt(plain.Buckets))
    const first = await here.listBuckets({ MaxBuckets: 1 })
    expect(first.Buckets?.map(({ Name }) => Name)).toEqual([both[0]])
    const ContinuationToken = first.ContinuationToken!
    const rest = await here.listBuckets({ MaxBuckets: 1, ContinuationToken })
    expect(rest.Buckets?.map(({ Name }) => Name)).toEqual([both[1]])
    const ours = await here.listBuckets({ BucketRegion: HERE })
    expect(ours.Buckets?.map(({ Name }) => Name)).toEqual([HOME[HERE]])
  })

  test('lists those of a region that is away', async () => {
    await world.kill(THERE)
    expect((await here.listBuckets()).Buckets).toHaveLength(2)
    await world.start(THERE)
    expect((await there.listBuckets()).Buckets).toHaveLength(2)
  })
})

describe('CreateBucket', () => {
  test('again, in us-east-1, succeeds and takes no object; elsewhere it is refused', async () => {
    await there.putObject({ Bucket: HOME[THERE], Key: 'kept', Body: 'kept' })
    await there.createBucket({ Bucket: HOME[THERE] })
    expect((await there.getObject({ Bucket: HOME[THERE], Key: 'kept' })).ContentLength).toBe(4)
    const constraint = { LocationConstraint: THERE as never }
    const named = there.createBucket({ Bucket: 'named', CreateBucketConfiguration: constraint })
    expect((await refused(named)).code).toBe('InvalidLocationConstraint')
    const owned = { code: 'BucketAlreadyOwnedByYou', status: 409 }
    const CreateBucketConfiguration = { LocationConstraint: HERE } as const
    const inHere = (Bucket: string) => here.createBucket({ Bucket, CreateBucketConfiguration })
    expect(await refused(inHere(HOME[HERE]))).toMatchObject(owned)
    expect(await refused(inHere(HOME[THERE]))).toMatchObject(owned)
    expect(await refused(there.createBucket({ Bucket: HOME[HERE] }))).toMatchObject(owned)
  })

  test('of one name at once in two regions makes one bucket', async () => {
    const CreateBucketConfiguration = { LocationConstraint: HERE } as const
    for (const Bucket of ['race-1', 'race-2', 'race-3', 'race-4']) {
      const calls = [
        there.createBucket({ Bucket }),
        here.createBucket({ Bucket, CreateBucketConfiguration }),
      ]
      const made = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled')
      expect(made).toHaveLength(1)
      const { Buckets } = await here.listBuckets({ Prefix: Bucket })
      expect(Buckets).toHaveLength(1)
      const client = Buckets![0]!.BucketRegion === HERE ? here : there
      await client.deleteBucket({ Bucket })
      expect(await refused(client.headBucket({ Bucket }))).toMatchObject({ status: 404 })
    }
  })
})
