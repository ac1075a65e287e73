// Changes a store without end, until it is killed, and writes down each change: when it begins and, on the disk before anything
// else happens, when it was acknowledged.
// Arguments: folder of the store, file of the ledger, number of the round.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { systemClock } from '../../dist/src/core/clock.js'
import { systemRandom } from '../../dist/src/core/random.js'
import { ObjectStore } from '../../dist/src/objectstore/object-store.js'

const [folder, ledgerFile, round] = process.argv.slice(2)
const ledger = openSync(ledgerFile, 'a')
process.on('exit', () => closeSync(ledger))
const store = await ObjectStore.open({
  folder,
  encryptionKey: Buffer.alloc(32, 7),
  clock: systemClock,
  random: systemRandom,
})

/** Sizes on both sides of what the index keeps itself. */
const SIZES = [0, 100, 5_000, 16_384, 16_385, 70_000, 400_000, 1_500_000]

await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)))

async function work(worker) {
  const bucket = store.findBucket(worker % 2 === 0 ? 'versioned' : 'plain')
  let newest
  for (let number = 0; ; number++) {
    // Each worker has keys of its own, so that their changes have an order.
    const key = `${worker}/${number % 3}`
    const seed = `${round}-${worker}-${number}`
    const sizeBytes = SIZES[(number * 5 + worker) % SIZES.length]
    const encrypt = number % 2 === 0
    const outbox = ({ versionId }) => ({ entries: [`${bucket.name} ${key} ${versionId}`] })
    // No body looks like another one.
    const body = Buffer.alloc(sizeBytes, sha256(seed))
    const change = { bucket: bucket.name, key, seed, hash: sha256(body) }
    if (number % 7 === 6) {
      // Some versions for good; of those without an id, whatever is there.
      const versionId = worker % 2 === 0 ? newest?.versionId : undefined
      if (worker % 2 === 0 && !versionId) continue
      const at = newest?.key ?? key
      await told({ ...change, key: at, do: 'delete', versionId }, () =>
        bucket.delete(at, { versionId }),
      )
      newest = undefined
    } else if (number % 5 === 4) {
      newest = await told({ ...change, do: 'complete' }, () => upload(bucket, key, body))
    } else {
      newest = await told({ ...change, do: 'put' }, () =>
        bucket.put(key, body, { encrypt, outbox }),
      )
    }
  }
}

async function upload(bucket, key, body) {
  const { uploadId } = await bucket.uploads.begin(key)
  const half = body.length >> 1
  const pieces = [body.subarray(0, half), body.subarray(half)]
  const parts = await Promise.all(
    pieces.map(async (piece, at) => {
      const { etag } = await bucket.uploads.putPart(uploadId, at + 1, piece)
      return { number: at + 1, etag }
    }),
  )
  return bucket.uploads.complete(uploadId, parts)
}

async function told(change, make) {
  write({ ...change, is: 'begun' })
  const { versionId } = await make()
  write({ ...change, is: 'acknowledged', ...(versionId ? { versionId } : {}) })
  return { key: change.key, versionId }
}

function write(line) {
  writeSync(ledger, `${JSON.stringify(line)}\n`)
  if (line.is === 'acknowledged') fsyncSync(ledger)
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
