// Counts again, from outside, what `lifeboat demo --json --keep` claims: reads the ledger file and asks
// the databases by SQL. Shares no code with Lifeboat.
//
//   node test/demo/recount.mjs demo.json [--stop]
//
// Prints what it counted; exit code 1 when any claim is wrong. `--stop` ends the region that the demo
// kept and removes everything that the demo has left.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pg from 'pg'

const program = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'bin', 'lifeboat')
const [file, ...flags] = process.argv.slice(2)
const demo = JSON.parse(readFileSync(file, 'utf8'))
const wrong = []

try {
  await recount()
} finally {
  if (flags.includes('--stop')) {
    lifeboat('region', 'stop')
    rmSync(dirname(demo.home), { recursive: true, force: true })
  }
}
for (const claim of wrong) console.error(`WRONG: ${claim}`)
process.exitCode = wrong.length > 0 ? 1 : 0

function claim(words, holds) {
  if (!holds) wrong.push(words)
}

async function recount() {
  const ledger = readFileSync(demo.ledgerFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const credentials = await readSecret()
  const restored = await ordersAt(demo.restored.endpoint, credentials)
  const source = await ordersAt(demo.source.endpoint, credentials)

  const receipts = await receiptTags()
  const isLost = {
    order: ({ id, total }) => restored.totalById.get(id) !== total,
    receipt: ({ receipt, receiptTag }) => receipts.get(receipt) !== receiptTag,
  }
  const lost = ledger.filter((entry) => isLost.order(entry) || isLost.receipt(entry))
  const lostReceipts = ledger.filter(isLost.receipt)
  const counted = {
    acknowledged: ledger.length,
    lost: lost.length,
    lostReceipts: lostReceipts.length,
    receipts: receipts.size,
    orders: restored.totalById.size,
  }
  console.log(JSON.stringify(counted))

  claim(
    `${demo.dataLoss.writes} writes lost; counted ${lost.length}`,
    demo.dataLoss.writes === lost.length,
  )
  claim(
    `${demo.dataLoss.objects.writes} receipts lost; counted ${lostReceipts.length}`,
    demo.dataLoss.objects.writes === lostReceipts.length,
  )
  claim(
    'the receipts of the orders of before are there, too',
    restored.receipts.length > 0 && restored.receipts.every((key) => receipts.has(key)),
  )
  claim('orders were placed all the while', ledger.length > 100)
  claim(
    'at least 100,000 orders stand in the restored database',
    restored.totalById.size >= 100_000,
  )
  claim('every order there has a total', restored.withoutTotal === 0)
  claim('the old instance is kept, damaged as it was', source.withoutTotal >= 100_000)
  claim(
    'the secret points to the restored instance',
    demo.restored.endpoint.includes(`:${credentials.port}`),
  )
  claim('the incident document exists', existsSync(demo.incidentFile))
  claim(`world is embedded, not ${demo.world}`, demo.world === 'embedded')
  claim(`verdict is proven, not ${demo.verdict}`, demo.verdict === 'proven')

  // Detection comes before recovery, which begins when the damage is known.
  const { exposureSeconds, detectSeconds, totalSeconds, ...rest } = demo.recoveryTime
  const parts = rest.decideSeconds + rest.executeSeconds + rest.verifySeconds
  claim(`phases of ${parts} s make up ${totalSeconds} s`, Math.abs(parts - totalSeconds) < 0.01)
  const exposed = detectSeconds + totalSeconds
  claim(
    `${exposureSeconds} s of exposure are ${exposed} s`,
    Math.abs(exposed - exposureSeconds) < 0.01,
  )
}

async function ordersAt(endpoint, { username, password, dbname }) {
  const [host, port] = endpoint.split(':')
  const client = new pg.Client({
    host,
    port: Number(port),
    user: username,
    password,
    database: dbname,
  })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT id::text, total::text, receipt FROM orders')
    return {
      totalById: new Map(rows.map(({ id, total }) => [id, total])),
      receipts: rows.flatMap(({ receipt }) => (receipt ? [receipt] : [])),
      withoutTotal: rows.filter(({ total }) => Number(total) <= 0).length,
    }
  } finally {
    await client.end()
  }
}

async function readSecret() {
  const client = new SecretsManagerClient(access())
  const { SecretString } = await client.send(
    new GetSecretValueCommand({ SecretId: 'shop/database' }),
  )
  return JSON.parse(SecretString)
}

/** Of every receipt that the bucket has now, its entity tag. */
async function receiptTags() {
  const client = new S3Client({ ...access(), forcePathStyle: true })
  const tags = new Map()
  let ContinuationToken
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: 'shop-receipts', Prefix: 'receipts/', ContinuationToken }),
    )
    for (const { Key, ETag } of page.Contents ?? []) tags.set(Key, ETag.replaceAll('"', ''))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  return tags
}

function access() {
  const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = JSON.parse(
    lifeboat('region', 'env', '--json'),
  )
  return {
    endpoint: AWS_ENDPOINT_URL,
    region: AWS_REGION,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  }
}

function lifeboat(...args) {
  return execFileSync(process.execPath, [program, ...args, '--home', demo.home], {
    encoding: 'utf8',
  })
}
