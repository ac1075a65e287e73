import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { ObjectStore } from '../../src/objectstore/object-store.ts'
import { comparePair } from '../../src/recovery/objects/compare-pair.ts'
import { RegionHome } from '../../src/region/region-home.ts'

/** `LIFEBOAT_KEYS=1000000 npm test test/recovery/large-pair` takes the long form. */
const KEYS = Number(process.env.LIFEBOAT_KEYS ?? 5_000)
const REGIONS = ['ap-southeast-1', 'us-east-1'] as const
const WRITERS = 256
const BYTE = Buffer.from('x')
/** Every so many-th version does not arrive. */
const LOST_EVERY = Math.floor(KEYS / 5)

let folder: string
let home: RegionHome
const clients: RegionClient[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-large-pair-'))
  await chmod(folder, 0o711)
  home = new RegionHome(join(folder, 'home'))
  await fill()
  const { endpoint } = await home.start(REGIONS, { port: 0, detach: true })
  const environment = await home.environment()
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID!,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
  }
  for (const region of REGIONS) {
    clients.push(new RegionClient({ region, endpoint, credentials, clock: systemClock }))
  }
}, 3_600_000)
afterAll(async () => {
  for (const client of clients) client.close()
  await home.stop()
  await rm(folder, { recursive: true, force: true })
})

test(`a bucket of ${KEYS.toLocaleString('en')} versions and its replica are compared version by version`, async () => {
  const [source, replica] = clients
  const startedMs = performance.now()
  let told = 0
  const compared = await comparePair(
    {
      source: { buckets: source!.buckets, part: { bucket: 'source', prefixes: [''] } },
      replica: { buckets: replica!.buckets, bucket: 'replica' },
    },
    (versions) => {
      told = versions
    },
  )
  const seconds = (performance.now() - startedMs) / 1_000
  if (process.env.LIFEBOAT_KEYS) {
    const { rss } = process.memoryUsage()
    process.stdout.write(
      `${KEYS} versions in ${seconds.toFixed(1)} s, ${Math.round(rss / 1e6)} MB\n`,
    )
  }
  expect(told).toBe(KEYS)
  expect(compared).toMatchObject({
    versions: KEYS,
    bytes: KEYS,
    missing: { versions: 5, bytes: 5 },
    missingMarkers: 0,
    surplus: 1,
  })
  expect(compared.missing.some.map(({ key }) => key)).toEqual(
    Array.from({ length: 5 }, (_, i) => keyOf(i * LOST_EVERY)),
  )
}, 600_000)

const keyOf = (index: number) => `orders/${String(index).padStart(9, '0')}.txt`

/** Straight into both stores, as a million requests take their time. */
async function fill(): Promise<void> {
  const [here, there] = await Promise.all(REGIONS.map((region) => open(region)))
  const source = await here!.createBucket('source', { versioning: 'enabled' })
  const replica = await there!.createBucket('replica', { versioning: 'enabled' })
  let next = 0
  const writer = async () => {
    while (next < KEYS) await putBoth(source, replica, next++)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  await replica.put('orders/only-there.txt', BYTE)
  await Promise.all([here!.close(), there!.close()])
}

async function putBoth(source: Bucket, replica: Bucket, index: number): Promise<void> {
  const key = keyOf(index)
  const { versionId, modifiedAt } = await source.put(key, BYTE)
  if (index % LOST_EVERY === 0) return
  await replica.put(key, BYTE, { replicaOf: { versionId, modifiedAt } })
}

/** As a region makes its folders: PostgreSQL's account passes through them. */
async function open(region: string): Promise<ObjectStore> {
  const encryptionKey = Buffer.alloc(32)
  const ofRegion = join(folder, 'home', 'regions', region)
  await mkdir(ofRegion, { recursive: true, mode: 0o711 })
  const path = join(ofRegion, 's3', 'objects')
  return ObjectStore.open({ folder: path, encryptionKey, clock: systemClock, random: systemRandom })
}
