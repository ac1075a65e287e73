import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { HERE, THERE } from '../aws/s3/two-regions.ts'
import { Chance, figures, rounds, timeFor } from '../trials/rounds.ts'
import {
  type CallPoint,
  hasStrace,
  killAt,
  someCallPoint,
  someOpeningPoint,
} from '../trials/s3/killable-region.ts'
import { BUCKETS, filesFor, RegionsToKill } from '../trials/s3/regions-to-kill.ts'
import { S3Ledger, type SeenVersion } from '../trials/s3/s3-ledger.ts'
import { until } from '../trials/trial-region.ts'

const SHORT = 8
/** A region whose call does not come is killed like others, after this. In milliseconds. */
const PATIENCE_MS = 800

const chance = new Chance()
let world: RegionsToKill | undefined
afterAll(() => world?.end())

test(
  'regions killed in the middle of everything lose no object, show none by halves and replicate each once',
  async () => {
    const began = Date.now()
    const kills = { 'at calls': 0, 'at moments': 0, 'while opening': 0 }
    world = await RegionsToKill.start()
    const ledger = new S3Ledger(world.ledgerFile)

    for (let round = 0; round < rounds(SHORT); round++) {
      const victims = [[HERE], [THERE], [HERE], [HERE, THERE]][round % 4]!
      const points = new Map(victims.map((victim) => [victim, somePoint()]))
      const where = `seed ${chance.seed}, round ${round}: ${[...points].map(pointText)}`
      world.go(round)
      await sleep(chance.between(0, 400))
      for (const [victim, point] of points) if (point) await killAt(world.region(victim).pid, point)
      await Promise.all(
        [...points].map(async ([victim, point]) => {
          const region = world!.region(victim)
          if (point) await Promise.race([region.untilDead(), sleep(PATIENCE_MS)])
          kills[region.isDead ? 'at calls' : 'at moments'] += 1
          await region.kill()
        }),
      )
      await world.quiet()
      for (const victim of victims) {
        const region = world.region(victim)
        if (hasStrace && chance.next() < 0.3) {
          const point = someOpeningPoint(chance)
          const isOpened = await region.start((pid) => killAt(pid, point))
          kills[isOpened ? 'at moments' : 'while opening'] += 1
          await region.kill()
        }
        await region.start()
      }
      expect(await compared(world, ledger), where).toEqual([])
    }
    expect(ledger.acknowledged).toBeGreaterThan(rounds(SHORT) * 5)
    const all = Object.values(kills).reduce((sum, count) => sum + count, 0)
    figures('killed S3', {
      ...{ kills: all, ...kills, 'acknowledged changes': ledger.acknowledged },
      ...{ 'cut off': ledger.cutOff, lost: 0, 'half or doubled': 0 },
      'seconds in all': Math.round((Date.now() - began) / 1000),
    })
  },
  timeFor(6000, SHORT),
)

/** Everything that is wrong after a kill; then makes room. */
async function compared(world: RegionsToKill, ledger: S3Ledger): Promise<string[]> {
  const perBucket = await Promise.all(BUCKETS.map((bucket) => world.versions(HERE, bucket)))
  const here = perBucket.flat()
  const uploads = await Promise.all(BUCKETS.map((bucket) => world.uploads(HERE, bucket)))
  const faults = await ledger.compare(here, uploads.flat())
  for (const bucket of BUCKETS) await world.abortUploads(HERE, bucket)
  ledger.forgetUploads()
  faults.push(...(await untagged(world, ledger)))
  faults.push(...(await unreplicated(world, perBucket[BUCKETS.indexOf('source')]!)))
  faults.push(...(await orphans(world, ledger)))

  for (const bucket of BUCKETS) {
    const older = olderOf(here.filter((version) => version.bucket === bucket))
    await world.removeVersions(HERE, bucket, older)
    if (bucket === 'source') await world.removeVersions(THERE, 'copy', older)
    for (const version of older) ledger.forget(version)
  }
  return [...faults, ...(await orphans(world, ledger))]
}

async function untagged(world: RegionsToKill, ledger: S3Ledger): Promise<string[]> {
  const faults: string[] = []
  for (const { bucket: Bucket, key: Key, versionId: VersionId } of ledger.takeTagged()) {
    const { TagSet } = await world.s3(HERE).getObjectTagging({ Bucket, Key, VersionId })
    if (TagSet?.length !== 1) faults.push(`${Bucket} ${Key} ${VersionId} has lost its tags`)
  }
  return faults
}

/** Waits until the copy is what the source is, with every byte, and the source knows it. */
async function unreplicated(
  world: RegionsToKill,
  source: readonly SeenVersion[],
): Promise<string[]> {
  const described = (versions: readonly SeenVersion[]) =>
    versions
      .map(
        ({ key, versionId, isMarker, etag, hash }) =>
          `${key} ${versionId} ${isMarker} ${etag} ${hash}`,
      )
      .sort()
  const wanted = described(source)
  let copied: string[] = []
  try {
    await until('all of the source is in the copy', 30_000, async () => {
      return (await world.listed(THERE, 'copy')).length >= wanted.length
    })
    copied = described(await world.versions(THERE, 'copy'))
    for (const { key: Key, versionId: VersionId } of source.filter(({ isMarker }) => !isMarker)) {
      await until(`${Key} ${VersionId} is completed`, 30_000, async () => {
        const head = await world.s3(HERE).headObject({ Bucket: 'source', Key, VersionId })
        return head.ReplicationStatus === 'COMPLETED'
      })
    }
  } catch (error) {
    return [`${error}`, ...wanted.filter((version) => !copied.includes(version))]
  }
  return [
    ...wanted.filter((version) => !copied.includes(version)).map((one) => `${one} is not copied`),
    ...copied
      .filter((version) => !wanted.includes(version))
      .map((one) => `${one} is copied and was never there`),
    ...(copied.length === wanted.length ? [] : ['something is there twice']),
  ]
}

/** Files that hold nothing, and those that are missing. */
async function orphans(world: RegionsToKill, ledger: S3Ledger): Promise<string[]> {
  const copy = await world.listed(THERE, 'copy')
  const wanted = new Map([
    [HERE, filesFor(ledger.pieces())],
    [THERE, filesFor(copy.map(({ sizeBytes }) => sizeBytes))],
  ])
  const faults: string[] = []
  for (const [region, count] of wanted) {
    const files = await world.files(region)
    if (files !== count) faults.push(`${region} has ${files} files, not ${count}`)
  }
  return faults
}

function olderOf(newestFirst: readonly SeenVersion[]): SeenVersion[] {
  return newestFirst.filter(({ key }, index) => newestFirst[index - 1]?.key === key)
}

/** Most victims are killed right before a call; the others at any moment. */
function somePoint(): CallPoint | undefined {
  return hasStrace && chance.next() < 0.6 ? someCallPoint(chance) : undefined
}

function pointText([victim, point]: readonly [string, CallPoint | undefined]): string {
  return `${victim} at ${point ? `${point.call} ${point.count}` : 'any moment'}`
}
