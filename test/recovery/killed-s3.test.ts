import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { HERE, THERE } from '../aws/s3/two-regions.ts'
import { Chance, figures, rounds, timeFor } from '../trials/rounds.ts'
import { hasStrace, someCallPoint } from '../trials/s3/killable-region.ts'
import { BUCKETS, filesFor, RegionsToKill } from '../trials/s3/regions-to-kill.ts'
import { isExpiring, S3Ledger, type SeenVersion } from '../trials/s3/s3-ledger.ts'
import { until } from '../trials/trial-region.ts'

const SHORT = 8
/** A region is killed after so much was written down, at most; or, where the machine is slow, after so long. */
const MOST_LEDGER_BYTES = 60_000
const PATIENCE_MS = 3000
const DEADLINE_MS = 60_000
const DEATH_TOLD_MS = 5_000

const chance = new Chance()
/** Most regions are killed right before a call; the others at any moment. */
const nextPoint = () => (hasStrace && chance.next() < 0.7 ? someCallPoint(chance) : undefined)

let world: RegionsToKill | undefined
afterAll(() => world?.end())

test(
  'regions killed in the middle of everything lose no object, show none by halves and replicate each once',
  async () => {
    const began = Date.now()
    world = await RegionsToKill.start(nextPoint)
    const trial = new Trial(world)
    for (let round = 0; trial.killed < rounds(SHORT); round++) {
      const victims = [[HERE], [THERE], [HERE], [HERE, THERE]][round % 4]!
      const points = victims.map((victim) => {
        const { call, count } = world!.region(victim).point ?? {}
        return `${victim} at ${call ? `${call} ${count}` : 'any moment'}`
      })
      const where = `seed ${chance.seed}, round ${round}: ${points}`
      world.go(round)
      await Promise.all(victims.map((victim) => trial.kill(victim)))
      await world.quiet()
      expect(await trial.faults(), where).toEqual([])
    }
    const { kills, ledger } = trial
    expect(ledger.acknowledged).toBeGreaterThan(0)
    figures('killed S3', {
      ...{ kills: trial.killed, ...kills, 'acknowledged changes': ledger.acknowledged },
      ...{ 'cut off': ledger.cutOff, lost: 0, 'half or doubled': 0 },
      'seconds in all': Math.round((Date.now() - began) / 1000),
    })
  },
  timeFor(20_000, SHORT),
)

class Trial {
  readonly kills = { 'at calls of work': 0, 'at calls of order': 0, 'at moments': 0 }
  readonly ledger: S3Ledger

  constructor(private readonly world: RegionsToKill) {
    this.ledger = new S3Ledger(world.ledgerFile)
  }

  get killed(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0)
  }

  async kill(victim: string): Promise<void> {
    const region = this.world.region(victim)
    const bytes = chance.between(region.point ? MOST_LEDGER_BYTES : 0, MOST_LEDGER_BYTES)
    const deadline = Date.now() + PATIENCE_MS
    const before = (await stat(this.world.ledgerFile)).size
    while (!region.isDead && Date.now() < deadline) {
      if ((await stat(this.world.ledgerFile)).size - before > bytes) break
      await sleep(5)
    }
    this.kills[region.isDead ? 'at calls of work' : 'at moments'] += 1
    await region.kill()
  }

  /** Everything that is wrong after a kill; then makes room for more. */
  async faults(): Promise<string[]> {
    const { world, ledger } = this
    const here = await this.#alive(async () => {
      const versions = await Promise.all(BUCKETS.map((bucket) => world.versions(HERE, bucket)))
      const uploads = await Promise.all(BUCKETS.map((bucket) => world.uploads(HERE, bucket)))
      return { versions: versions.flat(), uploads: uploads.flat() }
    })
    const faults = await ledger.compare(here.versions, here.uploads)
    const source = here.versions.filter(({ bucket }) => bucket === 'source')
    faults.push(...(await this.#alive(() => this.#untagged())))
    faults.push(...(await this.#alive(() => this.#unreplicated(source))))
    await this.#alive(async () => {
      for (const bucket of BUCKETS) await world.abortUploads(HERE, bucket)
    })
    ledger.forgetUploads()
    faults.push(...(await this.#alive(() => this.#unexpired())))
    ledger.forgetExpired()
    faults.push(...(await this.#alive(() => this.#orphans())))
    for (const bucket of BUCKETS) {
      const older = olderOf(
        here.versions.filter((version) => version.bucket === bucket && !isExpiring(version)),
      )
      await this.#alive(() => world.removeVersions(HERE, bucket, older))
      if (bucket === 'source') await this.#alive(() => world.removeVersions(THERE, 'copy', older))
      for (const version of older) ledger.forget(version)
    }
    return [...faults, ...(await this.#alive(() => this.#orphans()))]
  }

  /** Does what may be done again, until no region has died meanwhile: some come to their points here. */
  async #alive<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      this.kills['at calls of order'] += await this.world.revive()
      const isCutOff = () => [HERE, THERE].filter((name) => this.world.region(name).isDead).length
      try {
        const result = await work()
        if (isCutOff() === 0) return result
      } catch (error) {
        // A connection ends before the process is told to be over.
        const isOver = async () => isCutOff() > 0
        await until('a region has died', DEATH_TOLD_MS, isOver).catch(() => Promise.reject(error))
      }
      this.kills['at calls of order'] += isCutOff()
    }
  }

  /** Ends a wait for what does not come, as a region has died meanwhile. */
  #isAlive(isTrue: boolean): boolean {
    const isDead = [HERE, THERE].some((name) => this.world.region(name).isDead)
    if (isDead) throw new Error('a region has died')
    return isTrue
  }

  async #untagged(): Promise<string[]> {
    const faults: string[] = []
    for (const { bucket: Bucket, key: Key, versionId: VersionId } of this.ledger.tagged()) {
      const { TagSet } = await this.world.s3(HERE).getObjectTagging({ Bucket, Key, VersionId })
      if (TagSet?.length !== 1) faults.push(`${Bucket} ${Key} ${VersionId} has lost its tags`)
    }
    return faults
  }

  /** Waits until the copy is what the source is, with every byte, and the source knows it. */
  async #unreplicated(source: readonly SeenVersion[]): Promise<string[]> {
    const { world } = this
    const listed = async () => (await world.listed(THERE, 'copy')).length
    const inVain = await until('all of the source is in the copy', DEADLINE_MS, async () =>
      this.#isAlive((await listed()) >= source.length),
    ).catch((error: Error) => error)
    const wanted = source.map(describedVersion)
    const copied = (await world.versions(THERE, 'copy')).map(describedVersion)
    const faults = [
      ...wanted.filter((one) => !copied.includes(one)).map((one) => `${one} is not copied`),
      ...copied
        .filter((one) => !wanted.includes(one))
        .map((one) => `${one} was never in the source`),
      ...(copied.length === new Set(copied).size ? [] : ['something is copied twice']),
    ]
    if (inVain || faults.length > 0) return [`${inVain ?? 'the copy differs'}`, ...faults]
    for (const { key: Key, versionId: VersionId } of source.filter(({ isMarker }) => !isMarker)) {
      await until(`${Key} ${VersionId} is completed`, DEADLINE_MS, async () => {
        const head = await world.s3(HERE).headObject({ Bucket: 'source', Key, VersionId })
        return this.#isAlive(head.ReplicationStatus === 'COMPLETED')
      })
    }
    return []
  }

  /** Rules go on after a kill, and leave nothing of what they take. */
  async #unexpired(): Promise<string[]> {
    const old = async () => (await this.world.listed(HERE, 'expiring')).filter(isExpiring)
    const inVain = await until('all is expired', DEADLINE_MS, async () =>
      this.#isAlive((await old()).length === 0),
    ).catch((error: Error) => error)
    return inVain ? [`${inVain}: ${(await old()).map(({ key }) => key)}`] : []
  }

  /** Files that hold nothing, and those that are missing. */
  async #orphans(): Promise<string[]> {
    const copy = await this.world.listed(THERE, 'copy')
    const wanted = new Map([
      [HERE, filesFor(this.ledger.pieces())],
      [THERE, filesFor(copy.map(({ sizeBytes }) => sizeBytes))],
    ])
    const faults: string[] = []
    for (const [region, count] of wanted) {
      const files = await this.world.files(region)
      if (files !== count) faults.push(`${region} has ${files} files, not ${count}`)
    }
    return faults
  }
}

function describedVersion({ key, versionId, isMarker, etag, hash }: SeenVersion): string {
  return `${key} ${versionId} ${isMarker ? 'marker' : `${etag} ${hash}`}`
}

function olderOf(newestFirst: readonly SeenVersion[]): SeenVersion[] {
  return newestFirst.filter(({ key }, index) => newestFirst[index - 1]?.key === key)
}
