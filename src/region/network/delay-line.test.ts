import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { DelayLine } from './delay-line.ts'

/** How long bytes take through a line, and their hash when they come. */
async function through(chunks: readonly Buffer[], delayMs: () => number) {
  const hash = createHash('sha256')
  const startedMs = systemClock.monotonicMs()
  let firstMs: number | undefined
  await pipeline(Readable.from(chunks), new DelayLine(delayMs), async (line) => {
    for await (const chunk of line) {
      firstMs ??= systemClock.monotonicMs() - startedMs
      hash.update(chunk as Buffer)
    }
  })
  return {
    firstMs: firstMs ?? 0,
    allMs: systemClock.monotonicMs() - startedMs,
    hash: hash.digest('hex'),
  }
}

test('bytes come later, whole and in order, and the line carries many at once', async () => {
  const chunks = Array.from({ length: 800 }, () => randomBytes(64 << 10))
  const expected = createHash('sha256').update(Buffer.concat(chunks)).digest('hex')
  const { firstMs, allMs, hash } = await through(chunks, () => 100)
  expect(hash).toBe(expected)
  expect(firstMs).toBeGreaterThanOrEqual(95)
  // 50 MB, 16 MB on the way at a time: some trips of 100 ms, and not one for each piece.
  expect(allMs).toBeLessThan(20_000)
})

test('a change of the delay is felt by what comes after it', async () => {
  let delayMs = 0
  const line = new DelayLine(() => delayMs)
  const got: string[] = []
  line.on('data', (chunk: Buffer) => got.push(chunk.toString()))
  line.write('now')
  await expect.poll(() => got).toEqual(['now'])
  delayMs = 150
  const startedMs = systemClock.monotonicMs()
  line.write('later')
  await expect.poll(() => got).toEqual(['now', 'later'])
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(145)
  line.end()
})
