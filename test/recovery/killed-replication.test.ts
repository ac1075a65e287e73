import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { Chance, rounds, timeFor } from '../trials/rounds.ts'
import { until } from '../trials/trial-region.ts'

const SHORT = 4
const WRITERS = 8
const KEYS = Array.from({ length: 20 }, (_, index) => `key-${index}`)

describe('replication whose regions are killed', () => {
  const world = twoRegions()
  const chance = new Chance()

  test(
    'loses and doubles nothing',
    async () => {
      const source = await world.bucket(HERE, 'killed-source')
      const destination = await world.bucket(THERE, 'killed-destination')
      const role = await world.role('killed', source, [destination])
      await world.replicate(HERE, source, role, [
        {
          ID: 'all',
          Status: 'Enabled',
          Prefix: '',
          Destination: { Bucket: `arn:aws:s3:::${destination}` },
        },
      ])
      const acknowledged: string[] = []
      let isWriting = true
      const write = async (writer: number) => {
        for (let count = 0; isWriting; count++) {
          const Key = chance.pick(KEYS)
          const at = { Bucket: source, Key }
          try {
            const isDelete = count % 7 === 6
            // Short ones lie in the index, long ones in files.
            const Body = Buffer.alloc(count % 5 === 0 ? 200_000 : 1000, `${writer} ${count} `)
            const { VersionId } = isDelete
              ? await world.s3(HERE).send(new DeleteObjectCommand(at))
              : await world.s3(HERE).send(new PutObjectCommand({ ...at, Body }))
            acknowledged.push(`${Key} ${VersionId}`)
            if (isDelete || count % 4 !== 0) continue
            const TagSet = [{ Key: 'count', Value: `${count}` }]
            await world
              .s3(HERE)
              .send(new PutObjectTaggingCommand({ ...at, VersionId, Tagging: { TagSet } }))
          } catch {
            // Its region was killed; nothing was acknowledged.
            await sleep(50)
          }
        }
      }
      const writers = Array.from({ length: WRITERS }, (_, index) => write(index))
      for (let round = 0; round < rounds(SHORT); round++) {
        await sleep(chance.between(200, 1500))
        const victims = [[HERE], [THERE], [HERE, THERE]][round % 3]!
        for (const victim of victims) await world.kill(victim)
        await sleep(chance.between(0, 500))
        for (const victim of victims) await world.start(victim)
      }
      await sleep(500)
      isWriting = false
      await Promise.all(writers)

      const here = await world.versions(HERE, source)
      await until(`all ${here.length} are there`, 60_000, async () => {
        return (await world.versions(THERE, destination)).length >= here.length
      })
      const outcome = async (key: string, versionId: string) => {
        const at = { Bucket: source, Key: key, VersionId: versionId }
        return (await world.s3(HERE).send(new HeadObjectCommand(at))).ReplicationStatus
      }
      const objects = here.filter(({ isMarker }) => !isMarker)
      await until('the source knows', 60_000, async () => {
        for (const { key, versionId } of objects) {
          if ((await outcome(key, versionId)) !== 'COMPLETED') return false
        }
        return true
      })
      const where = `seed ${chance.seed}`
      expect(await world.versions(THERE, destination), where).toEqual(here)
      const held = new Set(here.map(({ key, versionId }) => `${key} ${versionId}`))
      expect(
        acknowledged.filter((version) => !held.has(version)),
        where,
      ).toEqual([])
      expect(acknowledged.length, where).toBeGreaterThan(100)
    },
    timeFor(20_000, SHORT),
  )
})
