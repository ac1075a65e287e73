// Clients that change the objects of a region without end, and write down each change in a ledger: before it is asked for, and
// when it was answered; an acknowledgement is on the disk before anything else happens. They live through every kill of a region.
// A client stops when its region does, and goes on when this process is told to `go`. It answers `quiet` when nothing is under way.
// Arguments: file of the ledger, endpoint of the region. Credentials come in the environment.
import { createHash } from 'node:crypto'
import { fsyncSync, openSync, writeSync } from 'node:fs'
import { S3 } from '@aws-sdk/client-s3'

const [ledgerFile, endpoint] = process.argv.slice(2)
const ledger = openSync(ledgerFile, 'a')
const s3 = new S3({ region: 'ap-southeast-1', endpoint, forcePathStyle: true, maxAttempts: 1 })

/** On both sides of what the index keeps itself, and of a frame. */
const SIZES = [0, 100, 5_000, 16_384, 16_385, 70_000, 400_000, 1_500_000]
const PART_BYTES = 5 << 20
const RACERS = 16

let isGoing = false
let round = 0
let changes = 0

process.on('message', async (message) => {
  if (message.do === 'stop') isGoing = false
  if (message.do !== 'go') return
  isGoing = true
  round = message.round
  const clients = ['own', 'plain', 'source'].flatMap((bucket) => [
    until((count) => change(bucket, `${bucket}-a`, count)),
    until((count) => change(bucket, `${bucket}-b`, count)),
  ])
  const expiring = [
    until((count) => change('expiring', 'kept', count)),
    until((count) => puts('old', count)),
  ]
  await Promise.all([
    ...clients,
    ...expiring,
    until(manyAtOnce),
    until(raceToCreate),
    until(raceToReplace),
  ])
  process.send('quiet')
})
process.on('disconnect', () => process.exit())

/** Goes on until it is told to stop, or its region is gone. */
async function until(step) {
  for (let count = 0; isGoing; count++) if (!(await step(count))) return
}

/** What rules take away, in the middle of everything too. */
async function puts(client, count) {
  const at = { bucket: 'expiring', key: `${client}/${count % 5}` }
  const body = bodyOf(`${round} ${client} ${count}`, SIZES[count % SIZES.length])
  if (count % 3 === 2) return await complete(at, [body])
  const step = { ...at, do: 'put', parts: [body] }
  return await told(step, () => s3.putObject(asked(at, { Body: body })))
}

/** By turns everything that one client does to keys of its own. */
async function change(bucket, client, count) {
  const key = `${client}/${count % 3}`
  const at = { bucket, key }
  const body = bodyOf(
    `${round} ${client} ${count}`,
    SIZES[(count * 5 + client.length) % SIZES.length],
  )
  const turn = (count + round) % 9
  if (turn === 3)
    return await complete(
      at,
      count % 2 === 0 ? [body] : [bodyOf(`${round} ${client} ${count} first`, PART_BYTES), body],
    )
  if (turn === 5) {
    const put = await told({ ...at, do: 'put', parts: [body] }, () =>
      s3.putObject(asked(at, { Body: body })),
    )
    const ids = { VersionId: put?.VersionId }
    return (
      put &&
      (await told({ ...at, do: 'tag' }, () => s3.putObjectTagging(asked(at, { ...ids, ...TAGS }))))
    )
  }
  if (turn === 6) return await told({ ...at, do: 'mark' }, () => s3.deleteObject(asked(at)))
  if (turn === 7 && bucket === 'own') {
    const put = await told({ ...at, do: 'put', parts: [body] }, () =>
      s3.putObject(asked(at, { Body: body })),
    )
    const of = { ...at, versionId: put?.VersionId }
    return put && (await told({ ...of, do: 'delete' }, () => s3.deleteObject(asked(of))))
  }
  if (turn === 8) {
    const from = { bucket, key: `${client}/copied` }
    const put = await told({ ...from, do: 'put', parts: [body] }, () =>
      s3.putObject(asked(from, { Body: body })),
    )
    const CopySource = `${bucket}/${from.key}`
    return (
      put &&
      (await told({ ...at, do: 'put', parts: [body] }, () =>
        s3.copyObject(asked(at, { CopySource })),
      ))
    )
  }
  return await told({ ...at, do: 'put', parts: [body] }, () =>
    s3.putObject(asked(at, { Body: body })),
  )
}

const TAGS = { Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }

async function complete(at, parts) {
  const begun = await told({ ...at, do: 'begin' }, () => s3.createMultipartUpload(asked(at)))
  if (!begun) return undefined
  const of = { ...at, uploadId: begun.UploadId }
  const UploadId = begun.UploadId
  const done = await Promise.all(
    parts.map((Body, index) => {
      const number = index + 1
      const part = { ...of, number, do: 'part' }
      return told(part, () => s3.uploadPart(asked(at, { UploadId, PartNumber: number, Body })))
    }),
  )
  if (!done.every(Boolean)) return undefined
  const Parts = done.map(({ ETag }, index) => ({ PartNumber: index + 1, ETag }))
  const whole = { ...of, do: 'complete', parts }
  return await told(whole, () =>
    s3.completeMultipartUpload(asked(at, { UploadId, MultipartUpload: { Parts } })),
  )
}

/** Puts eight, and deletes them in one request: four by their versions, four by markers. */
async function manyAtOnce(count) {
  const bucket = 'own'
  const put = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const at = { bucket, key: `many/${index}` }
      const body = bodyOf(`many ${round} ${count} ${index}`, count % 2 === 0 ? 50 : 30_000)
      const made = await told({ ...at, do: 'put', parts: [body] }, () =>
        s3.putObject(asked(at, { Body: body })),
      )
      return made && { ...at, versionId: made.VersionId }
    }),
  )
  if (!put.every(Boolean)) return undefined
  const steps = put.map((at, index) =>
    index < 4 ? { ...at, do: 'delete' } : { bucket, key: at.key, do: 'mark' },
  )
  const Objects = steps.map(({ key: Key, versionId: VersionId }) => ({ Key, VersionId }))
  return await toldAll(steps, async () => {
    const { Deleted = [], Errors = [] } = await s3.deleteObjects({
      Bucket: bucket,
      Delete: { Objects },
    })
    if (Errors.length > 0) throw Object.assign(new Error('not deleted'), { Errors })
    return steps.map(({ key }) => {
      const { VersionId, DeleteMarkerVersionId } = Deleted.find(({ Key }) => Key === key) ?? {}
      return { VersionId: VersionId ?? DeleteMarkerVersionId }
    })
  })
}

/** Sixteen that want to be the first. */
async function raceToCreate(count) {
  const at = { bucket: 'own', key: `race/${round}-${count}` }
  const racers = await Promise.all(
    Array.from({ length: RACERS }, (_, racer) => {
      const Body = bodyOf(`${at.key} ${racer}`, racer % 2 === 0 ? 100 : 20_000)
      const step = { ...at, do: 'put', parts: [Body], race: 'create' }
      return told(step, () => s3.putObject(asked(at, { Body, IfNoneMatch: '*' })))
    }),
  )
  return racers.every(Boolean)
}

/** Sixteen that want to be the next: each names what it replaces, in the condition and in its bytes. */
async function raceToReplace() {
  const at = { bucket: 'own', key: 'chain' }
  const before = await s3.headObject(asked(at)).catch(unlessAbsent)
  if (before === 'gone') return undefined
  const racers = await Promise.all(
    Array.from({ length: RACERS }, (_, racer) => {
      const Body = Buffer.from(
        JSON.stringify({ before: before?.ETag ?? '', round, changes: ++changes, racer }),
      )
      const condition = before ? { IfMatch: before.ETag } : { IfNoneMatch: '*' }
      const step = { ...at, do: 'put', parts: [Body], race: 'replace' }
      return told(step, () => s3.putObject(asked(at, { Body, ...condition })))
    }),
  )
  return racers.every(Boolean)
}

function unlessAbsent(error) {
  return error.$metadata?.httpStatusCode === 404 ? undefined : 'gone'
}

/** What was answered, `refused` as a racer is, or undefined when nobody answered. */
async function told(step, ask) {
  const answers = await toldAll([step], async () => [await ask()])
  return answers?.[0]
}

async function toldAll(steps, ask) {
  const ids = steps.map(() => ++changes)
  const write = (index, more) => {
    const { parts, ...step } = steps[index]
    const of = parts ? { hash: hashOf(parts), sizes: parts.map(({ length }) => length) } : {}
    writeSync(ledger, `${JSON.stringify({ id: ids[index], round, ...step, ...of, ...more })}\n`)
  }
  steps.forEach((_, index) => {
    write(index, { is: 'begun' })
  })
  try {
    const answers = await ask()
    answers.forEach((answer, index) => {
      const { VersionId: versionId, UploadId: uploadId } = answer
      write(index, {
        is: 'acknowledged',
        ...(versionId ? { versionId } : {}),
        ...(uploadId ? { uploadId } : {}),
      })
    })
    fsyncSync(ledger)
    return answers
  } catch (error) {
    const { httpStatusCode: status } = error.$metadata ?? {}
    const is = status === undefined ? 'cut off' : status === 412 ? 'refused' : 'failed'
    steps.forEach((_, index) => {
      write(index, { is, ...(is === 'failed' ? { error: `${status} ${error}` } : {}) })
    })
    return is === 'refused' ? steps.map(() => 'refused') : undefined
  }
}

function asked({ bucket, key, versionId }, more = {}) {
  return { Bucket: bucket, Key: key, ...(versionId ? { VersionId: versionId } : {}), ...more }
}

/** No two bodies look alike. */
function bodyOf(seed, sizeBytes) {
  return Buffer.alloc(sizeBytes, createHash('sha256').update(seed).digest('hex'))
}

function hashOf(parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
