import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { DatabaseSource } from '../runbooks/region-failure/database-sources.ts'
import { regionFailure } from '../runbooks/region-failure.ts'
import { parseWorkload } from '../workload-file.ts'
import { bundleFiles, commandsFile } from './bundle.ts'
import { bundleStatusOf, exportedBundle } from './exported.ts'
import type { Foreseen } from './foresee.ts'

const HOME = 'eu-west-1'
const AWAY = 'eu-central-1'
const OLD = 'old.eu-west-1.rds.amazonaws.com'
const workload = parseWorkload(`
workload: shop
objectives: { rto: 15m, rpo: 30s }
regions: { primary: ${HOME}, recovery: ${AWAY} }
database: { instance: db, secret: shop/db, admin: shop/admin, standby: db-standby }
services: [{ cluster: shop, service: web, tasks: 3 }]
publicName: { name: www.shop.example, zone: Z1, recovery: away.shop.example }
contacts: [{ name: Ada, role: decides, reach: the red telephone }]
checks: [{ name: all is well, sql: "select 'it''s'", expect: "it's" }]
http: { url: 'https://www.shop.example/orders', body: '{"who":"Ada''s"}' }
`)
const newestCommitAt = '2026-01-15T10:29:58Z'
const sources: DatabaseSource[] = [
  {
    kind: 'replica',
    instance: 'db-standby',
    endpoint: { host: 'new.eu-central-1.rds.amazonaws.com', port: 5432 },
    position: '16/B374D848',
    newestCommitAt,
  },
  { kind: 'replicated-backups', instance: 'db-recovered', backups: 'arn:backups', newestCommitAt },
  { kind: 'snapshot', instance: 'db-recovered', snapshot: 'copied', newestCommitAt },
]
const home = {
  name: 'www.shop.example.',
  type: 'A',
  identifier: 'primary',
  routing: { kind: 'failover', role: 'primary' },
  healthCheck: 'check-1',
  content: { kind: 'values', ttlSeconds: 60, values: ['192.0.2.1'] },
} as const
const foreseen: Foreseen = {
  ...{ workload, region: AWAY, madeAt: new Date('2026-01-15T10:30:00Z'), world: 'aws:1/r' },
  ...{ sources, closed: [], primary: { host: OLD, port: 5432 } },
  services: [{ cluster: 'shop', service: 'web', desiredCount: 1, runningCount: 1, tasks: 3 }],
  records: {
    ...{ zone: 'Z1', setup: 'gated', home, homeCheck: { id: 'check-1', isDisabled: false } },
    ...{ away: null, recoveryAddress: 'away.shop.example' },
  },
}
const files = bundleFiles(regionFailure, foreseen)

/** Each line with what kind it is and the step that it belongs to. */
function linesOf(text: string) {
  let step = ''
  let kind = ''
  const found: { step: string; kind: string; line: string }[] = []
  for (const line of text.split('\n').slice(4)) {
    step = /^# step: (\S+) /.exec(line)?.[1] ?? step
    kind = /^# (do|check|try): /.exec(line)?.[1] ?? kind
    if (line !== '' && !line.startsWith('#')) found.push({ step, kind, line })
  }
  return found
}

describe.each(sources)('from the $kind', (source) => {
  const text = files.get(commandsFile(source))!
  const lines = linesOf(text)

  test('every step of the plan has its lines, in the order of the plan', () => {
    const steps = [...new Set(lines.map(({ step }) => step))]
    expect(steps).toEqual(regionFailure.steps.map(({ name }) => name))
    expect(text.match(/^# gate: .+/gm)).toHaveLength(2)
  })

  test('only lines that may fail ask anything of the region that is left, or of what all share', () => {
    const bound = lines.filter(({ kind }) => kind !== 'try')
    // That the old database is silent is what the first step looks for.
    const asks = bound.filter(({ step, line }) => step !== 'confirm' && line.includes(OLD))
    expect(asks).toEqual([])
    expect(bound.filter(({ line }) => line.includes(HOME) && !line.includes(OLD))).toEqual([])
    expect(bound.filter(({ line }) => /aws (route53|iam) /.test(line))).toEqual([])
  })

  test('what acts is followed by what checks it', () => {
    const changes = /aws \S+ (promote|restore|modify|update)-|^within 60 point /
    for (const [at, { step, kind, line }] of lines.entries()) {
      if (kind !== 'do' || !changes.test(line)) continue
      const next = lines.slice(at + 1).find((one) => one.kind === 'check')
      expect(next?.step, line).toBe(step)
    }
  })

  test('bash reads every line by itself', () => {
    for (const { line } of lines) execFileSync('bash', ['--norc', '-n', '-c', line])
  })
})

test('the page names whom to call, the records before and after, and what was seen', () => {
  const page = files.get('README.md')!
  expect(page).toContain('| Ada | decides | the red telephone |')
  expect(page).toContain('before, A 192.0.2.1, TTL 60 s; after, A away.shop.example, TTL 60 s')
  expect(page).toContain('Seen at LSN 16/B374D848; newest commit 2026-01-15T10:29:58Z, 2s before')
  expect(JSON.parse(files.get('records-to-recovery.json')!).Changes).toMatchObject([
    { Action: 'UPSERT', ResourceRecordSet: { Failover: 'PRIMARY', HealthCheckId: 'check-1' } },
  ])
})

test('a runbook whose steps have no lines is refused', () => {
  const mute = { ...regionFailure, steps: regionFailure.steps.map(({ byHand, ...rest }) => rest) }
  expect(() => bundleFiles(mute, foreseen)).toThrow(
    expect.objectContaining({
      code: 'InvalidUsage',
      message: expect.stringContaining("'confirm'"),
    }),
  )
})

describe('a bundle that was exported', async () => {
  const kept = JSON.parse(JSON.stringify(await exportedBundle('/there', regionFailure, foreseen)))
  const days = (count: number) => new Date(foreseen.madeAt.getTime() + count * 86_400_000)
  const today = { workload, plan: regionFailure, now: days(6) }

  test('is trusted for a week', async () => {
    const fresh = { folder: '/there', ageSeconds: 6 * 86_400, isOld: false, changed: [] }
    expect(await bundleStatusOf(kept, today)).toMatchObject(fresh)
    expect(await bundleStatusOf(kept, { ...today, now: days(8) })).toMatchObject({ isOld: true })
  })

  test('is no longer what would be written for another workload file, or by another plan', async () => {
    const [service] = workload.services
    const more = { ...workload, services: [{ ...service!, tasks: 5 }] }
    const busier = await bundleStatusOf(kept, { ...today, workload: more })
    expect(busier.changed).toEqual(['the workload file'])
    const contacts = [{ name: 'Bob', role: 'decides', reach: 'the blue telephone' }]
    const other = await bundleStatusOf(kept, { ...today, workload: { ...workload, contacts } })
    expect(other.changed).toEqual(['README.md', 'the workload file'])
    const [first, ...others] = regionFailure.steps
    const step = { ...first!, byHand: () => [{ kind: 'do', what: 'look', line: 'true' }] as const }
    const plan = { ...regionFailure, steps: [step, ...others] }
    const { changed } = await bundleStatusOf(kept, { ...today, plan })
    expect(changed).toEqual(sources.map(commandsFile).sort())
  })
})

describe('functions.sh', () => {
  const functions = fileURLToPath(new URL('functions.sh', import.meta.url))
  const bash = (script: string, environment: Record<string, string> = {}) =>
    execFileSync('bash', ['--norc', '-c', `. ${functions}; ${script}`], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...environment },
    })
  const value = {
    username: 'shop',
    password: `a"b\\c'd $(exit) \`e\` {"host":"x"} ü/%s\t`,
    host: 'old.example',
    port: 5432,
    dbInstanceIdentifier: 'db',
    others: { kept: true },
  }

  test.each([
    ['as we write it', JSON.stringify(value)],
    ['in many lines', JSON.stringify(value, null, 2)],
    ['with a port that is text', JSON.stringify({ ...value, port: '5432' })],
    ['escaped', JSON.stringify(value).replace('ü/', '\\u00fc\\/')],
  ])('reads a secret %s, and changes nothing of it but where it leads', (_, secret) => {
    const read = `SECRET_READ='s r'; SECRET=$GIVEN; login s r new.example 5433`
    const told = bash(`${read}; printf '%s|%s|%s' "$PGPASSWORD" "$PGHOST" "$PGPORT"`, {
      GIVEN: secret,
    })
    expect(told).toBe(`${value.password}|new.example|5433`)
    const change = `with_field host new.example; with_field port 5433; with_field dbInstanceIdentifier new; with_field none x`
    const changed = JSON.parse(
      bash(`SECRET=$GIVEN; ${change}; printf %s "$SECRET"`, { GIVEN: secret }),
    )
    const port = secret.includes('"5432"') ? '5433' : 5433
    expect(changed).toEqual({ ...value, host: 'new.example', port, dbInstanceIdentifier: 'new' })
  })

  test('a check says what to do, and fails when what it looks at is not so', () => {
    expect(bash('check says a echo a')).toBe('  ok\n')
    expect(bash('check says a echo b 2>&1 || echo failed')).toMatch(
      /'b', not 'a'\n.*STOP.*\nfailed/,
    )
    expect(bash('within 1 false || echo failed')).toBe('failed\n')
  })
})
