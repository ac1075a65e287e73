import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import {
  dataCorruptionInput,
  RUNBOOKS,
  recoveryTools,
  summary,
} from '../../src/recovery/recovery.ts'
import { outputsOf } from '../../src/recovery/report.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import type { GateKind } from '../../src/runbook/runbook.ts'
import {
  EmbeddedShop,
  OLD_RECEIPTS,
  RECEIPTS,
  WORKLOAD_WITH_RECEIPTS as WORKLOAD,
} from './embedded-shop.ts'

let shop: EmbeddedShop
let executions: Executions
beforeAll(async () => {
  shop = await EmbeddedShop.start({ receipts: true })
  executions = await Executions.open({
    database: shop.state,
    runbooks: [...RUNBOOKS],
    tools: () => recoveryTools(shop.surroundings, (id) => executions.get(id)),
    clock: systemClock,
  })
})
afterAll(async () => {
  await executions?.close()
  await shop?.stop()
})

const MAY = Array.from({ length: OLD_RECEIPTS }, (_, i) => `receipts/05/${i + 1}.txt`)

const deleteMay = () =>
  shop.s3.send(
    new DeleteObjectsCommand({
      Bucket: RECEIPTS,
      Delete: { Objects: MAY.map((Key) => ({ Key })) },
    }),
  )

async function textOf(key: string): Promise<string | undefined> {
  try {
    const { Body } = await shop.s3.send(new GetObjectCommand({ Bucket: RECEIPTS, Key: key }))
    return await Body?.transformToString()
  } catch (error) {
    expect((error as Error).name).toBe('NoSuchKey')
    return undefined
  }
}

async function versionIds(): Promise<string[]> {
  const ids: string[] = []
  let at: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> | undefined = {}
  while (at) {
    const page: ListObjectVersionsCommandOutput = await shop.s3.send(
      new ListObjectVersionsCommand({ Bucket: RECEIPTS, ...at }),
    )
    for (const { VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      ids.push(VersionId!)
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page
    at = IsTruncated ? { KeyMarker, VersionIdMarker } : undefined
  }
  return ids
}

function start(autoApprove: GateKind[]) {
  const input = dataCorruptionInput({
    workload: WORKLOAD,
    incidentFolder: join(shop.folder, 'incidents'),
    ledger: {
      path: shop.ledgerFile,
      keyField: 'id',
      timeField: 'acknowledgedAt',
      table: 'orders',
      keyColumn: 'id',
      compare: ['total'],
      objects: { bucket: RECEIPTS, keyField: 'receipt', etagField: 'etag' },
    },
  })
  return executions.start('data-corruption', input, { owns: WORKLOAD.name, autoApprove })
}

const failureOf = ({ steps }: Execution) =>
  steps.find((step) => step.status === 'failed')?.attempts.at(-1)?.error

async function damage() {
  const monitor = await shop.monitor(WORKLOAD)
  monitor.start()
  const before = shop.acknowledged
  await expect.poll(() => monitor.state).toBe('passed')
  await expect.poll(() => shop.acknowledged).toBeGreaterThan(before + 30)
  await deleteMay()
  const between = shop.acknowledged
  await expect.poll(() => shop.acknowledged).toBeGreaterThan(between + 10)
  await shop.sql('UPDATE orders SET total = 0')
  const red = () =>
    monitor.results.filter(({ state }) => state === 'failed').map(({ check }) => check)
  await expect.poll(red).toEqual(['every order has a total', 'every order has its receipt'])
  return monitor
}

test('canceled at the one-way gate, the bucket is what it was before, and what came meanwhile stays', async () => {
  shop.open()
  const monitor = await damage()
  const id = await start(['harm'])
  const asked = await executions.waitFor(
    id,
    ({ status, steps }) =>
      status === 'pausedByFailedStep' || steps.some((step) => step.status === 'pendingApproval'),
  )
  expect(failureOf(asked)).toBeUndefined()
  expect(await textOf(MAY[0]!)).toBe('old 1')
  await shop.s3.send(
    new PutObjectCommand({ Bucket: RECEIPTS, Key: 'receipts/by-hand.txt', Body: 'meanwhile' }),
  )
  await executions.cancel(id, { by: 'test' })
  expect((await executions.waitFor(id, 'end')).status).toBe('canceled')

  expect(await textOf(MAY[0]!)).toBeUndefined()
  expect(await textOf('receipts/by-hand.txt')).toBe('meanwhile')
  const ledger = readFileSync(shop.ledgerFile, 'utf8').trimEnd().split('\n')
  for (const line of ledger) {
    const { id: order, receipt } = JSON.parse(line)
    expect(await textOf(receipt)).toBe(`receipt of ${order}`)
  }
  await monitor.stop()
  // As a person would who decides to go back by hand.
  await shop.sql('UPDATE orders SET total = 12.50 WHERE total = 0')
  for (const key of MAY) {
    const Body = `old ${key.slice('receipts/05/'.length, -'.txt'.length)}`
    await shop.s3.send(new PutObjectCommand({ Bucket: RECEIPTS, Key: key, Body }))
  }
}, 180_000)

test('receipts that somebody deleted come back with the database, to one moment, and nothing is lost', async () => {
  shop.open()
  const monitor = await damage()
  const before = await versionIds()
  const id = await start(['harm', 'oneWay'])
  const execution = await executions.waitFor(id, ({ status }) => status !== 'running')
  expect(failureOf(execution)).toBeUndefined()
  expect(execution).toMatchObject({ status: 'completed', verdict: 'proven' })
  const during = shop.acknowledged
  await expect.poll(() => shop.acknowledged).toBeGreaterThan(during + 10)
  await shop.close()
  await monitor.stop()

  const outputs = outputsOf(execution)
  expect(outputs.identify).toMatchObject({
    recoveryPoint: { how: 'suspect transaction', certainty: 'exact' },
    objectDamage: { references: [{ bucket: RECEIPTS, broken: OLD_RECEIPTS }] },
  })
  expect(outputs['restore-objects']?.buckets).toMatchObject([{ bucket: RECEIPTS }])
  const [reference] = outputs['verify-objects']!.references
  expect(reference).toMatchObject({
    name: 'every order has its receipt',
    returned: OLD_RECEIPTS,
    madeToFail: `the damage: ${OLD_RECEIPTS} were missing`,
  })
  // Orders after the second mistake, and their receipts, came back by salvage.
  expect(outputs['put-objects-back']!.references[0]!.returned).toBeGreaterThan(0)
  expect(summary(execution).dataLoss).toMatchObject({
    writes: 0,
    database: { writes: 0 },
    objects: { writes: 0 },
  })

  // Counted again by other means: every byte, and no version destroyed.
  for (const [i, key] of MAY.entries()) expect(await textOf(key)).toBe(`old ${i + 1}`)
  const ledger = readFileSync(shop.ledgerFile, 'utf8').trimEnd().split('\n')
  expect(ledger.length).toBeGreaterThan(100)
  for (const line of ledger) {
    const { id: order, receipt } = JSON.parse(line)
    expect(await textOf(receipt)).toBe(`receipt of ${order}`)
  }
  const after = new Set(await versionIds())
  expect(before.filter((version) => !after.has(version))).toEqual([])

  const incident = readFileSync(summary(execution).incidentFile!, 'utf8')
  expect(incident).toContain(`\`${RECEIPTS}\``)
}, 180_000)
