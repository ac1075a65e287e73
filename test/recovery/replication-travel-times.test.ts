import { setTimeout as sleep } from 'node:timers/promises'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { figures, rounds, timeFor } from '../trials/rounds.ts'

const SHORT_SECONDS = 5
const PER_SECOND = 200
/** 99.99 % arrive within this. */
const LIMIT_MS = 15_000
const POLL_MS = 20

const world = twoRegions()

test(
  'short objects arrive in time at 200 a second',
  async () => {
    const seconds = rounds(SHORT_SECONDS)
    const source = await world.bucket(HERE, 'times-source')
    const destination = await world.bucket(THERE, 'times-destination')
    const role = await world.role('times', source, [destination])
    await world.replicate(HERE, source, role, [
      {
        ID: 'all',
        Status: 'Enabled',
        Prefix: '',
        Destination: { Bucket: `arn:aws:s3:::${destination}` },
      },
    ])
    const count = seconds * PER_SECOND
    const acknowledgedAt = new Map<string, number>()
    const arrivedAt = new Map<string, number>()
    const Body = Buffer.alloc(1024, 'x')
    const began = performance.now()
    const watching = (async () => {
      // One list tells a thousand keys; those of a second come together.
      for (let second = 0; arrivedAt.size < count; second = (second + 1) % seconds) {
        const known = [...arrivedAt.keys()].filter((key) => key.startsWith(`${second}/`)).length
        if (known === PER_SECOND || second * 1000 > performance.now() - began) continue
        const page = await world
          .s3(THERE)
          .send(new ListObjectsV2Command({ Bucket: destination, Prefix: `${second}/` }))
        const now = performance.now()
        for (const { Key } of page.Contents ?? []) {
          if (!arrivedAt.has(Key!)) arrivedAt.set(Key!, now)
        }
        await sleep(POLL_MS)
      }
    })()
    const puts = Array.from({ length: count }, async (_, index) => {
      await sleep((index * 1000) / PER_SECOND - (performance.now() - began))
      const Key = `${Math.floor(index / PER_SECOND)}/${index}`
      await world.s3(HERE).send(new PutObjectCommand({ Bucket: source, Key, Body }))
      acknowledgedAt.set(Key, performance.now())
    })
    await Promise.all(puts)
    const wroteSeconds = (performance.now() - began) / 1000
    await watching

    const travelMs = [...acknowledgedAt]
      .map(([key, at]) => Math.max(0, arrivedAt.get(key)! - at))
      .sort((a, b) => a - b)
    const quantile = (part: number) =>
      Math.round(travelMs[Math.min(count - 1, Math.floor(part * count))]!)
    figures('replication', {
      objects: count,
      'written per second': Math.round(count / wroteSeconds),
      'median ms': quantile(0.5),
      'p99 ms': quantile(0.99),
      'p99.99 ms': quantile(0.9999),
      'max ms': Math.round(travelMs.at(-1)!),
    })
    expect(travelMs).toHaveLength(count)
    expect(quantile(0.9999)).toBeLessThan(LIMIT_MS)
  },
  timeFor(2000, SHORT_SECONDS),
)
