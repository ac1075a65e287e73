import { spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/core/random.ts'
import { resolveName } from '../../src/probe/resolve.ts'
import { regionFailure } from '../../src/recovery/runbooks/region-failure.ts'
import { runs } from '../aws/clients/program.ts'
import { lifeboat, temporaryFolder } from '../cli/lifeboat.ts'
import { AWAY, HOME, twoRegionShop } from './two-region-shop.ts'

/** `run` in CI; `pasted`, line by line into a shell, and `backups`, where there is no replica, in the sweep; or both. */
const form = process.env.LIFEBOAT_BREAK_GLASS ?? 'run'
const psql = findPsql()
const missing = ['aws', 'curl'].filter((program) => !runs(program, ['--version']))
if (psql === undefined) missing.push('psql')
const needs = missing.length > 0 ? ` (skipped: needs ${missing.join(' and ')})` : ''

if (missing.length > 0) test.skip(`the break-glass bundle${needs}`)
else {
  const shop = twoRegionShop({
    strategy: form.includes('backups') ? 'backup-and-restore' : 'warm-standby',
  })
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-break-glass-'))
  const home = temporaryFolder()
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterAll(home.remove)
  const environment = () => ({
    ...shop.environment(),
    PATH: [psql, process.env.PATH].filter(Boolean).join(':'),
    HOME: process.env.HOME,
    LIFEBOAT_HOME: home.path,
    AWS_EC2_METADATA_DISABLED: 'true',
  })

  test('what it says of itself is true, and it holds no secret', async () => {
    const told = 'contacts:\n  - { name: Ada, role: decides, reach: the red telephone }\n'
    appendFileSync(shop.workloadFile(), told)
    const args = ['runbook', 'export', 'region-failure', '--workload', shop.workloadFile()]
    const { code, stdout, stderr } = await lifeboat([...args, '--to', folder, '--json'], {
      environment: environment(),
    })
    expect(code, stderr).toBe(0)
    const { files, ways } = JSON.parse(stdout)
    expect(files.toSorted()).toEqual(readdirSync(folder).toSorted())
    expect(ways[0]).toBe(form.includes('backups') ? 'replicated-backups' : 'replica')
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
    const { password } = await shop.region(AWAY).secrets.getDatabaseSecret('shop/database')
    const { AWS_SECRET_ACCESS_KEY } = shop.environment()
    expect(text.includes(password)).toBe(false)
    expect(text.includes(AWS_SECRET_ACCESS_KEY!)).toBe(false)
    const page = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(page).toContain('| Ada | decides | the red telephone |')
    expect(page).toMatch(/after, A 127\.0\.0\.12/)
  })

  test('status says when it is no longer what would be written', async () => {
    const bundle = async () => {
      const args = ['status', '--json', '--workload', shop.workloadFile()]
      const { stdout, stderr } = await lifeboat(args, { environment: environment() })
      expect(stderr).toBe('')
      return JSON.parse(stdout)
    }
    const fresh = await bundle()
    expect(fresh.breakGlass).toMatchObject({ folder, isOld: false, changed: [] })
    appendFileSync(shop.workloadFile(), '  - { name: Bob, role: helps, reach: the pager }\n')
    const { breakGlass, findings } = await bundle()
    expect(breakGlass.changed).toEqual(['README.md', 'the workload file'])
    expect(findings).toContainEqual(expect.stringContaining(`the break-glass bundle in ${folder}`))
  })

  test('its fence stops every write, and what it noted gives them back', async () => {
    const { endpoint } = await shop.region(HOME).rds.getInstance('shop-db')
    const login = `. ./functions.sh; login shop/database ${AWAY} ${endpoint!.host} ${endpoint!.port}`
    const note = 'psql -XAtqf list-grants.sql -o unfence.sql'
    const bash = (line: string) => shell(['--norc', '-c', `${login} && ${line}`])
    const fenced = await bash(`${note} && psql -Xqv ON_ERROR_STOP=1 -f fence.sql`)
    expect(fenced.code, fenced.output).toBe(0)
    const write = 'insert into orders (customer_id, total) values (1, 1)'
    const refused = await bash(`psql -XAtc '${write}'`)
    expect(refused.output).toContain('permission denied')
    const back = await bash('psql -Xqv ON_ERROR_STOP=1 -f unfence.sql')
    expect(back.code, back.output).toBe(0)
    await shop.orders(10)
  }, 300_000)

  test('with the region, Lifeboat and its state gone, it brings the shop up in the other region', async () => {
    await shop.endLifeboat()
    const asked = await shell(['./run.sh', '--from', 'bound-loss', '--accept-data-loss', 'x'])
    expect(asked.code, asked.output).toBe(2)
    await shop.home().breakDown(HOME, { kind: 'kill' })
    const done = form.includes('pasted') ? await pasted() : await run()
    expect(done.code, done.output).toBe(0)
    await shop.orders(20)
    await shop.closeDoors()

    const [way] = readFileSync(join(folder, 'ways.txt'), 'utf8').split('\n')
    const text = readFileSync(join(folder, `commands-${way!.split(' ').at(-1)}.sh`), 'utf8')
    const instance = /db-instance-identifier (\S+)/g
    const name = [...text.matchAll(instance)]
      .map(([, one]) => one!)
      .find((one) => one !== 'shop-db')
    const { endpoint, replicaOf, attributes } = await shop.region(AWAY).rds.getInstance(name!)
    expect({ replicaOf, ...attributes }).toMatchObject({
      ...{ replicaOf: undefined, deletionProtection: true, backupRetentionDays: 7 },
    })
    const { host } = await shop.region(AWAY).secrets.getDatabaseSecret('shop/database')
    expect(host).toBe(endpoint!.host)
    const { addresses } = await resolveName(
      'www.shop.example',
      { random: systemRandom, server: shop.access().nameServer! },
      5_000,
    )
    expect(addresses).toEqual(['127.0.0.12'])
    const { runningCount } = await shop
      .region(AWAY)
      .services.getService({ cluster: 'shop', service: 'shop' })
    expect(runningCount).toBe(1)

    const session = await shop.session(endpoint!)
    const { rows } = await session.query(
      'select id::text, total::text, not pg_is_in_recovery() as writes from orders',
    )
    await session.end()
    expect(rows[0].writes).toBe(true)
    const totals = new Map(rows.map(({ id, total }) => [id, total]))
    const lost = shop.acknowledged().filter(({ id, total }) => totals.get(id) !== total)
    // A replica has what was acknowledged but for what was under way; backups reach to their newest WAL.
    expect(lost.length).toBeLessThanOrEqual(form.includes('backups') ? 200 : 20)
  }, 600_000)

  /** Refuses a loss that nobody has accepted, then goes on from there. */
  const run = async () => {
    // Nobody writes any more: soon more than nothing would be lost.
    const refused = await shell([
      './run.sh',
      '--yes',
      '--witness',
      'the test',
      '--accept-data-loss',
      '0s',
    ])
    expect(refused.code, refused.output).toBe(1)
    expect(refused.output).toContain("stopped in step 'bound-loss'")
    const done = await shell([
      './run.sh',
      '--yes',
      '--from',
      'bound-loss',
      '--accept-data-loss',
      '10m',
    ])
    const timed = [...done.output.matchAll(/^ +\d+ s {2}(\S+)$/gm)].map(([, step]) => step)
    const plan = regionFailure.steps.map(({ name }) => name)
    expect(timed, done.output).toEqual(plan.slice(plan.indexOf('bound-loss')))
    return done
  }

  /** As a person pastes: one line after the other into one shell, and no further than the first that fails. */
  const pasted = async () => {
    const way = form.includes('backups') ? 'replicated-backups' : 'replica'
    const text = readFileSync(join(folder, `commands-${way}.sh`), 'utf8')
    let mayFail = false
    const script = text.split('\n').flatMap((line) => {
      if (line.startsWith('#')) mayFail = line.startsWith('# try: ')
      if (line === '' || line.startsWith('#')) return [line]
      return mayFail ? [line] : [line, '[ $? = 0 ] || exit 1']
    })
    return await shell(
      ['--norc', '-s'],
      `WITNESS=test ACCEPT_DATA_LOSS=600\n${script.join('\n')}\n`,
    )
  }

  async function shell(args: string[], input?: string): Promise<{ code: number; output: string }> {
    const child = spawn('bash', args, {
      cwd: folder,
      env: environment(),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    child.stdin?.end(input)
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status) => resolve(status ?? 1))
    })
    return { code, output }
  }
}

/** The folder of a PostgreSQL client: of PATH, or where Debian puts it. */
function findPsql(): string | undefined {
  if (runs('psql', ['--version'])) return ''
  const versions = runs('ls', ['/usr/lib/postgresql']) ? readdirSync('/usr/lib/postgresql') : []
  const folders = versions.map((version) => `/usr/lib/postgresql/${version}/bin`)
  return folders.find((one) => runs(`${one}/psql`, ['--version']))
}
