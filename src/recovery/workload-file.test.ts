import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LifeboatError } from '../core/errors.ts'
import { parseWorkload, readWorkload, workloadJsonSchema } from './workload-file.ts'

const GOOD = `# lifeboat.yaml
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks:
  - name: every order has a total
    sql: select count(*) from orders where total <= 0
    expect: 0
    every: 5s
`

function mistakesIn(text: string) {
  try {
    parseWorkload(text)
  } catch (error) {
    if (error instanceof LifeboatError) {
      expect(error.code).toBe('WorkloadFileInvalid')
      return { lines: error.message.split('\n'), hint: error.hint }
    }
    throw error
  }
  throw new Error('the file was accepted')
}

test('reads the file of the documentation', () => {
  expect(parseWorkload(GOOD)).toEqual({
    name: 'shop',
    objectives: { rtoSeconds: 900, rpoSeconds: 300 },
    region: 'ap-southeast-1',
    database: { instance: 'shop-db', secret: 'shop/database', adminSecret: 'shop/database' },
    buckets: [],
    strategy: 'backup-and-restore',
    services: [],
    checks: [
      {
        name: 'every order has a total',
        sql: 'select count(*) from orders where total <= 0',
        expect: 0,
        everySeconds: 5,
        timeoutSeconds: 10,
      },
    ],
    ignore: [],
  })
})

test.each([
  [
    'a number without a unit',
    GOOD.replace('15m', '15'),
    ["lifeboat.yaml:3:20 objectives.rto: '15' has no unit: 15 what?"],
    "Add a unit: '15s', '15m' or '15h'.",
  ],
  [
    'a unit of another dimension',
    GOOD.replace('rpo: 5m', 'rpo: 5kg'),
    ["lifeboat.yaml:3:30 objectives.rpo: 'kg' in '5kg' is not a unit of time"],
    "Write a number and a unit, like '5s', '15m', '4 hours' or '1h 30m'.",
  ],
  [
    'a misspelt key',
    GOOD.replace('objectives:', 'objektives:'),
    ["lifeboat.yaml:2:1 'objectives' is missing", "lifeboat.yaml:3:1 unknown key 'objektives'"],
    "2:1 Add it, like 'objectives: { rto: 15m, rpo: 5m }'.\n3:1 Did you mean 'objectives'?",
  ],
  [
    'a misspelt key inside a check',
    GOOD.replace('every:', 'evry:'),
    ["lifeboat.yaml:10:5 unknown key 'evry' in 'checks[0]'"],
    "Did you mean 'every'?",
  ],
  [
    'a missing query',
    GOOD.replace(/ {4}sql.*\n/, ''),
    ["lifeboat.yaml:7:5 'sql' is missing in 'checks[0]'"],
    "Add it, like 'sql: select count(*) from orders where total <= 0'.",
  ],
  [
    'no checks at all',
    GOOD.replace(/checks:[\s\S]*/, 'checks: []\n'),
    ['lifeboat.yaml:6:9 checks: the list is empty'],
    'Write it like a list of { name, sql, expect, every }.',
  ],
  [
    'a list where a mapping belongs',
    GOOD.replace('{ primary: ap-southeast-1 }', '[ap-southeast-1]'),
    ['lifeboat.yaml:4:10 regions: ["ap-southeast-1"] is not a mapping'],
    "Write it like 'regions: { primary: ap-southeast-1 }'.",
  ],
  [
    'YAML that is none',
    GOOD.replace('{ rto', '{ rto: 1m, rto'),
    ['lifeboat.yaml:3:24 Map keys must be unique'],
    undefined,
  ],
  [
    'an empty file',
    '',
    [
      "lifeboat.yaml:1:1 'workload' is missing",
      "lifeboat.yaml:1:1 'objectives' is missing",
      "lifeboat.yaml:1:1 'regions' is missing",
      "lifeboat.yaml:1:1 'database' is missing",
      "lifeboat.yaml:1:1 'checks' is missing",
    ],
    expect.stringContaining("1:1 Add it, like 'workload: shop'."),
  ],
])('names the place of %s', (_, text, lines, hint) => {
  expect(mistakesIn(text)).toEqual({ lines, hint })
})

test('reports every mistake at once, in the order of the file', () => {
  const text = GOOD.replace('15m', '15')
    .replace('shop-db,', '[1],')
    .replace('expect: 0', 'expct: 0')
  expect(mistakesIn(text).lines.map((line) => line.split(' ')[0])).toEqual([
    'lifeboat.yaml:3:20',
    'lifeboat.yaml:5:23',
    'lifeboat.yaml:7:5',
    'lifeboat.yaml:9:5',
  ])
})

test('refuses two checks of one name', () => {
  const again = GOOD + GOOD.slice(GOOD.indexOf('  - name'))
  expect(mistakesIn(again).lines).toEqual([
    "lifeboat.yaml:11:11 two checks are named 'every order has a total'",
  ])
})

const BUCKETS = `${GOOD}buckets:
  - bucket: receipts
    prefixes: [paid/, sent/]
    replica: { bucket: receipts-dr, region: us-east-1 }
    references:
      - { name: every order has its receipt, sql: select receipt from orders, every: 1m }
`

test('reads buckets, their replicas and what points at them', () => {
  expect(parseWorkload(BUCKETS).buckets).toEqual([
    {
      bucket: 'receipts',
      prefixes: ['paid/', 'sent/'],
      replica: { bucket: 'receipts-dr', region: 'us-east-1' },
      references: [
        {
          name: 'every order has its receipt',
          sql: 'select receipt from orders',
          everySeconds: 60,
        },
      ],
    },
  ])
  const elsewhere = BUCKETS.replace(', region: us-east-1', '')
  const recovering = elsewhere.replace('ap-southeast-1 }', 'ap-southeast-1, recovery: eu-west-1 }')
  expect(parseWorkload(recovering)).toMatchObject({
    recoveryRegion: 'eu-west-1',
    buckets: [{ replica: { region: 'eu-west-1' } }],
  })
})

const REGIONS = GOOD.replace('ap-southeast-1 }', 'ap-southeast-1, recovery: us-east-1 }')
  .replace('secret: shop/database', 'secret: shop/database, standby: shop-db-standby')
  .concat('services: [{ cluster: shop, service: web, tasks: 2 }]\n')
  .concat('publicName: { name: www.shop.example }\n')

test('reads what stands in the recovery region', () => {
  expect(parseWorkload(REGIONS)).toMatchObject({
    recoveryRegion: 'us-east-1',
    strategy: 'warm-standby',
    database: { standby: 'shop-db-standby' },
    services: [{ cluster: 'shop', service: 'web', tasks: 2 }],
    publicName: { name: 'www.shop.example' },
  })
})

test('the lock is by default where a failover goes to', () => {
  const lock = 'lock: { bucket: locks }\n'
  expect(parseWorkload(`${REGIONS}${lock}`).lock).toMatchObject({ region: 'us-east-1' })
  expect(parseWorkload(`${GOOD}${lock}`).lock).toMatchObject({ region: 'ap-southeast-1' })
})

test.each([
  [
    'a recovery region that is the primary one',
    REGIONS.replace('recovery: us-east-1', 'recovery: ap-southeast-1'),
    "lifeboat.yaml:4:47 the recovery region is 'ap-southeast-1' itself",
  ],
  [
    'a standby without a region',
    REGIONS.replace(', recovery: us-east-1', ''),
    "lifeboat.yaml:5:64 standby 'shop-db-standby' has no region",
  ],
  [
    'a strategy without what it needs',
    `${GOOD}strategy: pilot-light\n`,
    "lifeboat.yaml:11:11 strategy 'pilot-light' needs a standby of the database",
  ],
  [
    'a lock that is lost with the region',
    `${REGIONS}lock: { bucket: locks, region: ap-southeast-1 }\n`,
    "lifeboat.yaml:13:32 the lock is in 'ap-southeast-1': with that lost no failover could begin",
  ],
  [
    'a replica without a region',
    BUCKETS.replace(', region: us-east-1', ''),
    "lifeboat.yaml:14:14 replica 'receipts-dr' has no region",
  ],
  [
    'a replica in the region that may be lost',
    BUCKETS.replace('us-east-1', 'ap-southeast-1'),
    "lifeboat.yaml:14:14 replica 'receipts-dr' is in the same region",
  ],
  [
    'a prefix within another',
    BUCKETS.replace('sent/', 'paid/2026/'),
    "lifeboat.yaml:13:23 'paid/2026/' is part of 'paid/'",
  ],
  [
    'a reference that is named as a check is',
    BUCKETS.replace('every order has its receipt', 'every order has a total'),
    "lifeboat.yaml:16:17 two checks are named 'every order has a total'",
  ],
  [
    'a bucket twice',
    `${BUCKETS}  - bucket: receipts\n`,
    "lifeboat.yaml:17:13 bucket 'receipts' is named twice",
  ],
  [
    'a misspelt key of a replica',
    BUCKETS.replace('{ bucket: receipts-dr', '{ buckt: receipts-dr'),
    "lifeboat.yaml:14:16 unknown key 'buckt' in 'buckets[0].replica'",
  ],
])('refuses %s', (_, text, line) => {
  expect(mistakesIn(text).lines).toContain(line)
})

const TOLD = `${GOOD}notifications:
  - { name: hook, kind: webhook, url: 'https://hooks.example/a', key: env:KEY, send: automatic }
  - { name: chat, kind: slack, url: secret:shop/slack, on: [started, completed] }
  - name: leads
    kind: email
    server: smtp.example:587
    user: lifeboat
    password: env:MAIL
    from: a@shop.example
    to: [b@shop.example]
`

test('reads who is told, and keeps no secret', () => {
  const [hook, chat, leads] = parseWorkload(TOLD).notifications!
  expect(hook).toMatchObject({ kind: 'webhook', key: 'env:KEY', send: 'automatic' })
  expect(hook!.on).toContain('fence-debt')
  expect(chat).toMatchObject({ url: 'secret:shop/slack', send: 'on-approval', timeoutSeconds: 10 })
  expect(leads).toMatchObject({
    server: { host: 'smtp.example', port: 587 },
    tls: 'starttls',
    login: { user: 'lifeboat', at: 'env:MAIL' },
  })
})

test.each([
  [
    'a kind that there is not',
    TOLD.replace('kind: slack', 'kind: pigeon'),
    'lifeboat.yaml:13:25 notifications[1].kind: it is none of webhook, slack, email',
  ],
  [
    'a secret in the file',
    TOLD.replace('env:KEY', 'hunter2'),
    'lifeboat.yaml:12:71 notifications[0].key: it is kept out of this file: write env:NAME or secret:NAME',
  ],
  [
    'a target without a key',
    TOLD.replace(' key: env:KEY,', ''),
    "lifeboat.yaml:12:5 'key' is missing in 'notifications[0]'",
  ],
  [
    'a phase that there is not',
    TOLD.replace('on: [started,', 'on: [begun,'),
    'lifeboat.yaml:13:61 notifications[1].on[0]: "begun" is none of started, gate, completed, failed, canceled, check-red, check-green, region-lost, fence-debt',
  ],
  [
    'a misspelt key of a target',
    TOLD.replace('server:', 'sever:'),
    "lifeboat.yaml:16:5 unknown key 'sever' in 'notifications[2]'",
  ],
  [
    'two targets of one name',
    TOLD.replace('name: chat', 'name: hook'),
    "lifeboat.yaml:13:13 two targets are named 'hook'",
  ],
  [
    'a login without a password',
    TOLD.replace('    password: env:MAIL\n', ''),
    "lifeboat.yaml:17:11 'user' is of no use without 'password'",
  ],
  [
    'a password that everybody can read',
    TOLD.replace('    user:', '    tls: none\n    user:'),
    'lifeboat.yaml:17:10 a password would travel unencrypted',
  ],
])('refuses %s', (_, text, line) => {
  expect(mistakesIn(text).lines).toContain(line)
})

const HEARD = `${GOOD}witnesses:
  - { name: pingdom, key: env:PINGDOM }
  - { name: office, key: secret:shop/office, holds: 1m }
`

test('reads witnesses', () => {
  expect(parseWorkload(HEARD).witnesses).toEqual([
    { name: 'pingdom', key: 'env:PINGDOM', holdsSeconds: 300 },
    { name: 'office', key: 'secret:shop/office', holdsSeconds: 60 },
  ])
})

test.each([
  [
    'a key of a witness in the file',
    HEARD.replace('env:PINGDOM', 'abc'),
    'lifeboat.yaml:12:27 witnesses[0].key: it is kept out of this file: write env:NAME or secret:NAME',
  ],
  [
    'a name that is no part of an address',
    HEARD.replace('name: pingdom', 'name: ../pingdom'),
    'lifeboat.yaml:12:13 witnesses[0].name: it is part of an address: letters, digits and hyphens',
  ],
  [
    'two witnesses of one name',
    HEARD.replace('name: office', 'name: pingdom'),
    "lifeboat.yaml:13:13 two witnesses are named 'pingdom'",
  ],
  [
    'a misspelt key of a witness',
    HEARD.replace('holds:', 'hold:'),
    "lifeboat.yaml:13:46 unknown key 'hold' in 'witnesses[1]'",
  ],
])('refuses %s', (_, text, line) => {
  expect(mistakesIn(text).lines).toContain(line)
})

const OWN = `${GOOD}steps:
  - name: drain
    runbook: region-failure
    after: promote
    owner: payments
    needs: [{ api: sqs, where: recovery, plane: data }]
    command: [./drain, --all]
    check: { http: { url: 'https://queue.example/depth', status: 204 } }
  - { name: call, runbook: data-corruption, after: identify, owner: Ada, manual: Call the bank }
`

test('reads steps of your own', () => {
  const [drain, call] = parseWorkload(OWN).steps!
  expect(drain).toEqual({
    ...{ name: 'drain', title: 'drain', runbook: 'region-failure', after: 'promote' },
    ...{ owner: 'payments', deadlineSeconds: 600, isIdempotent: false, pass: [] },
    needs: [{ api: 'sqs', where: 'recovery', plane: 'data' }],
    does: { kind: 'command', argv: ['./drain', '--all'] },
    check: { kind: 'http', url: 'https://queue.example/depth', method: 'GET', status: 204 },
  })
  expect(call).toMatchObject({ does: { kind: 'manual', instructions: 'Call the bank' }, needs: [] })
})

test.each([
  [
    'a step after one that there is not',
    OWN.replace('after: promote', 'after: promot'),
    "lifeboat.yaml:14:12 'region-failure' has no step 'promot'",
  ],
  [
    'a step before anybody was asked',
    OWN.replace('after: promote', 'after: confirm'),
    "lifeboat.yaml:14:12 'drain' may run before anybody was asked: 'confirm' is not behind the harm gate",
  ],
  [
    'a step that does not say what it reaches',
    OWN.replace(/ {4}needs.*\n/, ''),
    "lifeboat.yaml:12:5 'drain' does not say what it reaches",
  ],
  [
    'a step that needs what is lost',
    OWN.replace('where: recovery', 'where: primary'),
    "lifeboat.yaml:16:12 'drain' cannot do without sqs of what is lost (primary)",
  ],
  [
    'a step of a name that the runbook has',
    OWN.replace('name: drain', 'name: fence'),
    "lifeboat.yaml:12:11 'region-failure' has a step 'fence' already",
  ],
  [
    'a step that does two things',
    OWN.replace('    command:', '    manual: Do it\n    command:'),
    "lifeboat.yaml:17:13 step 'drain' does two things: command, manual",
  ],
  [
    'a step that does nothing',
    OWN.replace(/ {4}command.*\n/, ''),
    "lifeboat.yaml:12:5 step 'drain' does nothing",
  ],
  [
    'a command that a shell would have to read',
    OWN.replace('[./drain, --all]', './drain --all'),
    'lifeboat.yaml:17:14 steps[0].command: "./drain --all" is not a list',
  ],
  [
    'a misspelt key of a check',
    OWN.replace('status: 204', 'statis: 204'),
    "lifeboat.yaml:18:58 unknown key 'statis' in 'steps[0].check.http'",
  ],
])('refuses %s', (_, text, line) => {
  expect(mistakesIn(text).lines).toContain(line)
})

test('says so when there is no file', async () => {
  await expect(readWorkload('/nowhere/lifeboat.yaml')).rejects.toMatchObject({
    code: 'WorkloadFileNotFound',
  })
})

test('schema/lifeboat.schema.json is what the schema in the code says', () => {
  const path = join(import.meta.dirname, '..', '..', 'schema', 'lifeboat.schema.json')
  const hint = 'run: node scripts/workload-schema.mjs'
  expect(JSON.parse(readFileSync(path, 'utf8')), hint).toEqual(workloadJsonSchema())
})
