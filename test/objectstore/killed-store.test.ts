import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { ObjectStore } from '../../src/objectstore/object-store.ts'
import { until } from '../harness/protected-cluster.ts'
import { Ledger } from './ledger.ts'

const KILLS = Number(process.env.LIFEBOAT_KILLS ?? 5)
const WITHIN_MS = 120_000 + KILLS * 20_000
/** Longer bodies have files of their own. */
const INLINE_BYTES = 16 << 10

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-killed-store-'))
})
afterAll(() => rm(folder, { recursive: true }))

test(
  'killed at any moment, it has lost nothing that it acknowledged and holds nothing by halves',
  async () => {
    const program = fileURLToPath(new URL('./busy-store.mjs', import.meta.url))
    const ledgerFile = join(folder, 'ledger')
    await writeFile(ledgerFile, '')
    const ledger = new Ledger(ledgerFile)
    await withStore(async (store) => {
      const versioned = await store.createBucket('versioned')
      await versioned.setVersioning('enabled')
      await store.createBucket('plain')
    })

    // On a slow machine it takes more of them until there is something to compare.
    const isEnough = () => ledger.acknowledged > KILLS * 10 && ledger.cutOff > 0
    for (let kill = 0; kill < KILLS || !isEnough(); kill++) {
      const before = (await stat(ledgerFile)).size
      const child = spawn(
        process.execPath,
        [program, join(folder, 'store'), ledgerFile, `${kill}`],
        {
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      )
      const ended = new Promise((resolve) => child.once('exit', resolve))
      const hasBegun = async () => (await stat(ledgerFile)).size > before || child.exitCode !== null
      await until(hasBegun, 'it writes')
      await new Promise((resolve) => setTimeout(resolve, randomInt(700)))
      expect(child.exitCode, 'it must be alive to be killed').toBe(null)
      child.kill('SIGKILL')
      await ended

      await withStore(async (store) => {
        expect(await ledger.compare(store)).toEqual([])
        await abandonUploads(store)
        await ledger.removeOlder(store)
        // No file is left of what was cut off or deleted.
        expect(await filesIn(join(folder, 'store', 'blobs'))).toBe(filesNeeded(store))
        expect(await ledger.compare(store)).toEqual([])
      })
    }
    expect(ledger.acknowledged).toBeGreaterThan(KILLS * 10)
    expect(ledger.cutOff).toBeGreaterThan(0)
  },
  WITHIN_MS,
)

async function withStore(use: (store: ObjectStore) => Promise<void>): Promise<void> {
  const store = await ObjectStore.open({
    folder: join(folder, 'store'),
    encryptionKey: Buffer.alloc(32, 7),
    clock: systemClock,
    random: systemRandom,
  })
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

async function abandonUploads(store: ObjectStore): Promise<void> {
  for (const { uploads } of store.listBuckets()) {
    for (const { uploadId } of uploads.list({ limit: 1000 }).uploads) await uploads.abort(uploadId)
  }
}

function filesNeeded(store: ObjectStore): number {
  let files = 0
  for (const bucket of store.listBuckets()) {
    for (const version of bucket.listVersions({ limit: 1e9 }).versions) {
      const bodies = version.parts ?? [version]
      files += bodies.filter(({ sizeBytes }) => sizeBytes > INLINE_BYTES).length
    }
  }
  return files
}

async function filesIn(directory: string): Promise<number> {
  const all = await readdir(directory, { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).length
}
