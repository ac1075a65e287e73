import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import {
  dataCorruptionInput,
  monitorOf,
  RUNBOOKS,
  recoveryTools,
} from '../../src/recovery/recovery.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { EmbeddedShop, WORKLOAD } from './embedded-shop.ts'

/** The rights that the README tells an operator to give. */
const README = readFileSync(resolve(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
const RIGHTS = [...README.matchAll(/`((?:rds|secretsmanager|sts):[A-Za-z*]+)`/g)].map(
  ([, action]) => action!,
)

let shop: EmbeddedShop
let region: RegionClient
let executions: Executions
let surroundings: EmbeddedShop['surroundings']

beforeAll(async () => {
  shop = await EmbeddedShop.start()
  const iam = new IAM(shop.aws())
  await iam.createUser({ UserName: 'lifeboat' })
  await iam.putUserPolicy({
    UserName: 'lifeboat',
    PolicyName: 'recovery',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: RIGHTS, Resource: '*' }],
    }),
  })
  const { AccessKey } = await iam.createAccessKey({ UserName: 'lifeboat' })
  iam.destroy()
  const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
  region = new RegionClient({ ...shop.aws(), credentials, clock: systemClock })
  surroundings = { ...shop.surroundings, region }
  executions = await Executions.open({
    database: shop.state,
    runbooks: [...RUNBOOKS],
    tools: () => recoveryTools(surroundings, (id) => executions.get(id)),
    clock: systemClock,
  })
}, 120_000)
afterAll(async () => {
  await executions?.close()
  region?.close()
  await shop?.stop()
})

test('a recovery needs no right that the README does not name', async () => {
  expect(RIGHTS).toContain('rds:RestoreDBInstanceToPointInTime')
  shop.open()
  const monitor = await monitorOf(WORKLOAD, surroundings)
  monitor.start()
  await expect.poll(() => monitor.state, { timeout: 20_000 }).toBe('passed')
  await expect.poll(() => shop.acknowledged, { timeout: 20_000 }).toBeGreaterThan(60)
  await shop.sql('UPDATE orders SET total = 0')
  await expect.poll(() => monitor.state, { timeout: 20_000 }).toBe('failed')

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
    },
  })
  const id = await executions.start('data-corruption', input, {
    owns: WORKLOAD.name,
    autoApprove: ['harm', 'oneWay'],
  })
  const execution = await executions.waitFor(
    id,
    ({ status, steps }) => status === 'completed' || steps.some((step) => step.status === 'failed'),
  )
  await shop.close()
  await monitor.stop()
  const failed = execution.steps.find((step) => step.status === 'failed')
  expect(failed?.attempts.at(-1)?.error).toBeUndefined()
  expect(execution).toMatchObject({ status: 'completed', verdict: 'proven' })
}, 180_000)
