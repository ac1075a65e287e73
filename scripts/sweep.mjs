// npm run sweep [-- WORD...]: the long forms of the tests, one after the other, with what each promises. Without words
// all of them, which takes hours; with words those whose title holds one. `npm test` runs the short forms.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSetUp } from './set-up.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Title, test file, environment, and about how many minutes two cores take. */
const SWEEPS = [
  ['restore to 50 random moments', 'test/recovery/exact-restore', rounds(50), 5],
  ['restore to 50 LatestRestorableTimes', 'test/recovery/latest-restorable-time', rounds(50), 6],
  ['50 regions killed under load', 'test/recovery/killed-region', rounds(50), 15],
  ['50 kills of a protected cluster', 'test/postgres/killed-protection', { LIFEBOAT_FULL: 1 }, 6],
  ['100 regions killed whose commits wait', 'test/aws/rds/synchronous-replica', kills(100), 45],
  ['50 kills of an RDS region', 'test/aws/rds/stored-after-kill', { LIFEBOAT_KILLS: 50 }, 6],
  ['100 kills of DNS and its API', 'test/aws/route53/killed-processes', { LIFEBOAT_KILLS: 100 }, 8],
  ['50 kills of a region that runs tasks', 'test/aws/ecs/killed', { LIFEBOAT_KILLS: 50 }, 10],
  ['100 kills of any process of a home', 'test/outages/killed', { LIFEBOAT_KILLS: 100 }, 25],
  ['200 flipped bits in the vault', 'test/postgres/damaged-vault', { LIFEBOAT_FULL: 1 }, 8],
  ['every backup of a chain, restored', 'test/recovery/engine-changes', { LIFEBOAT_FULL: 1 }, 6],
  ['1,000 kills of an object store', 'test/objectstore/killed-store', { LIFEBOAT_KILLS: 1000 }, 30],
  [
    '1,000 kills of S3 regions in the middle of everything',
    'test/recovery/killed-s3',
    rounds(1000),
    45,
  ],
  ['200 objects a second, replicated', 'test/recovery/replication-travel', rounds(60), 3],
  ['a bucket of a million keys', 'test/aws/s3/large-bucket', { LIFEBOAT_KEYS: 1_000_000 }, 15],
  ['a pair of a million versions', 'test/recovery/large-pair', { LIFEBOAT_KEYS: 1_000_000 }, 10],
  ['an object of 10 GiB, every way', 'test/aws/s3/huge-object', { LIFEBOAT_OBJECT_MB: 10_240 }, 25],
  ['S3 keys, at length', 'test/aws/s3/keys-over-http', { LIFEBOAT_FUZZ: 500 }, 5],
  ['S3 parsers, at length', 'test/aws/s3/fuzzed-parsers', { LIFEBOAT_FUZZ: 10_000 }, 10],
  ['50 regions killed while they notify', 'test/aws/cloudwatch/alarm-to', kills(50), 8],
  ['an object of a gigabyte', 'test/aws/s3/large-object', { LIFEBOAT_OBJECT_MB: 1024 }, 3],
  ['the whole guide by Terraform', 'test/aws/terraform', { LIFEBOAT_GUIDE: 'whole' }, 10],
  ['the stack by each client', 'test/examples/two-regions', { LIFEBOAT_STACKS: 'all' }, 8],
  ['a region lost by every strategy', 'test/demo/region', { LIFEBOAT_STRATEGIES: 'all' }, 10],
  [
    'the break-glass bundle, pasted',
    'test/recovery/break-glass',
    { LIFEBOAT_BREAK_GLASS: 'pasted' },
    3,
  ],
  [
    'the break-glass bundle, from backups',
    'test/recovery/break-glass',
    { LIFEBOAT_BREAK_GLASS: 'backups' },
    4,
  ],
  ['200 failovers amid partitions', 'test/recovery/partitions', rounds(200), 190],
  ['200 flips of health under queries', 'test/aws/route53/flips', rounds(200), 3],
  ['100,000 malformed DNS messages', 'test/security/hostile-dns', { LIFEBOAT_FUZZ: 100_000 }, 3],
  ['200,000 forged requests', 'test/security/forged', { LIFEBOAT_FORGERIES: 200_000 }, 5],
  [
    'every crash point of a recovery, killed twice',
    'test/recovery/data-corruption-crash',
    { LIFEBOAT_CRASH_POINTS: 'all', LIFEBOAT_CRASH_KILLS: 2 },
    20,
  ],
  [
    'a failover and the way home, killed in every step',
    'test/recovery/region-crash',
    { LIFEBOAT_CRASH_POINTS: 'all' },
    10,
  ],
]

process.exitCode = ensureSetUp() ? await sweep(process.argv.slice(2)) : 20

async function sweep(words) {
  const chosen = SWEEPS.filter(
    ([title]) => words.length === 0 || words.some((word) => title.includes(word)),
  )
  if (chosen.length === 0) {
    console.error(
      `no sweep is named so; there are:\n  ${SWEEPS.map(([title]) => title).join('\n  ')}`,
    )
    return 2
  }
  const failed = []
  for (const [index, [title, file, environment]] of chosen.entries()) {
    const left = chosen.slice(index).reduce((sum, [, , , minutes]) => sum + minutes, 0)
    console.log(`\n=== ${index + 1} of ${chosen.length}: ${title}; about ${left} minutes are left`)
    if ((await test(file, environment)) !== 0) failed.push(title)
  }
  for (const title of failed) console.log(`failed: ${title}`)
  console.log(`${chosen.length - failed.length} of ${chosen.length} sweeps passed`)
  return failed.length > 0 ? 1 : 0
}

function rounds(count) {
  return { LIFEBOAT_ROUNDS: count }
}

function kills(count) {
  return { LIFEBOAT_KILLS: count }
}

/** The child shares our terminal, so that Ctrl-C reaches it directly; it cleans up. */
function test(file, environment) {
  const values = Object.fromEntries(Object.entries(environment).map(([k, v]) => [k, String(v)]))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'scripts', 'test.mjs'), file], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...values },
    })
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal))
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
