import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ownLines } from '../../src/recovery/own-steps/by-hand.ts'
import type { OwnStep } from '../../src/recovery/own-steps/own-step.ts'
import { planOf } from '../../src/recovery/recovery.ts'
import type { Workload } from '../../src/recovery/workload.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { runs } from '../aws/clients/program.ts'
import { lambdaUnderTest } from '../aws/lambda/lambda-under-test.ts'
import { REGION } from '../aws/region-under-test.ts'
import { scripted } from '../runbook/scripted-runbook.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'

const hasCli = runs('aws', ['--version'])

/** In JSON it is written otherwise. */
const SECRET = 'canary-"token"-9921'

describe('a step by Lambda', () => {
  const world = lambdaUnderTest()
  let postgres: StatePostgres
  let database: StateDatabase
  let executions: Executions
  let region: RegionClient
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-own-lambda-'))
    await chmod(folder, 0o777)
    postgres = await startStatePostgres()
    database = await StateDatabase.open(postgres.url)
    region = new RegionClient({ ...world.client(), clock: systemClock })
    executions = await Executions.open({
      database,
      runbooks: [{ ...scripted({ 'stop-writes': {}, restore: {} }), name: 'data-corruption' }],
      plan: planOf,
      tools: () => ({
        ...{ environment: {}, knownSecrets: [SECRET], clock: systemClock },
        ...{ region, reach: async () => region },
        journal: (id: string) => executions.get(id),
      }),
    })
    // Writes down each call; what it is asked to check holds at the second time.
    await world.create(
      'draining',
      `const { appendFileSync, readFileSync } = require('node:fs')
      exports.handler = async ({ file, fails }, { clientContext: { custom } }) => {
        appendFileSync(file, custom.LIFEBOAT_PURPOSE + ' ' + custom.LIFEBOAT_STEP + ' ' + custom.LIFEBOAT_EXECUTION + '\\n')
        const checks = readFileSync(file, 'utf8').split('check ').length - 1
        if (custom.LIFEBOAT_PURPOSE === 'check' && checks < 2) throw new Error('7 left')
      }`,
    )
    await world.create(
      'failing',
      `exports.handler = async () => {
        console.log('x'.repeat(9000))
        console.log('with ${SECRET}')
        throw new Error('no way with ${SECRET}')
      }`,
    )
    await world.create('slow', 'exports.handler = () => setTimeout(() => {}, 60_000)', {
      Timeout: 60,
    })
  })
  afterAll(async () => {
    await executions.close()
    await database.close()
    await postgres.stop()
    region.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (more: string, deadline = '30s', further = '') => {
    const workload: Workload = parseWorkload(`
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ${REGION} }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: one, sql: select 1, expect: 1 }]
steps: [{ name: drain, runbook: data-corruption, after: stop-writes, owner: payments, deadline: ${deadline}, ${more} }${further}]`)
    return executions.start('data-corruption', { workload } as never)
  }
  const draining = (file: string) =>
    `lambda: { function: draining, payload: { file: ${join(folder, file)} } }`
  const calls = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split('\n')
  const isPaused = ({ status }: Execution) => status === 'pausedByFailedStep'
  const errorOf = ({ steps }: Execution) =>
    steps.find(({ name }) => name === 'drain')!.attempts.at(-1)?.error
  const failureOf = async (id: string) => {
    const error = errorOf(await executions.waitFor(id, isPaused))
    await executions.cancel(id, { by: 'a test' })
    await executions.waitFor(id, 'end')
    return error
  }

  test('is called with the facts, and green only when its check holds', async () => {
    const id = await start(`${draining('called')}, check: { ${draining('called')} }`)
    const execution = await executions.waitFor(id, 'end')
    expect(execution).toMatchObject({ status: 'completed', verdict: 'proven' })
    const told = (purpose: string) => `${purpose} drain ${id}`
    expect(calls('called')).toEqual([told('run'), told('check'), told('check')])
  })

  test('that fails shows why and the end of its log, without known secrets', async () => {
    const { message = '', hint } =
      (await failureOf(await start('lambda: { function: failing }'))) ?? {}
    expect(message).toMatch(/^'drain': function 'failing' failed: Error: no way with …: x/)
    expect(message).toMatch(/INFO\twith …\n/)
    expect(message).not.toMatch(/canary|9921/)
    expect(hint).toBe('Ask payments.')
    const absent = 'check: { lambda: { function: absent } }'
    expect((await failureOf(await start(`${draining('done')}, ${absent}`, '3s')))?.message).toMatch(
      /its check does not hold: could not invoke function 'absent': ResourceNotFoundException: Function not found/,
    )
  })

  test('is taken back by another call when the execution is canceled', async () => {
    const further =
      ', { name: call, runbook: data-corruption, after: stop-writes, owner: payments, manual: Call }'
    const id = await start(`${draining('undone')}, undo: { ${draining('undone')} }`, '30s', further)
    await executions.waitFor(id, ({ status }) => status === 'pendingApproval')
    await executions.cancel(id, { by: 'a test' })
    expect((await executions.waitFor(id, 'end')).status).toBe('canceled')
    expect(calls('undone')).toEqual([`run drain ${id}`, `undo drain ${id}`])
  })

  test.skipIf(!hasCli)(
    `is typed as a line of the aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
    async () => {
      const lineFor = (name: string) => {
        const does = { kind: 'lambda', name, region: 'primary', payload: { a: "it's" } } as const
        const step = { owner: 'payments', does } as unknown as OwnStep
        return ownLines(step, { workload: { region: REGION } })[0]!.line
      }
      await world.create('echo', 'exports.handler = async (event) => event')
      const { accessKeyId, secretAccessKey } = world.client().credentials
      const run = (name: string) =>
        promisify(execFile)('bash', ['-c', lineFor(name)], {
          env: {
            ...{ PATH: process.env.PATH, HOME: process.env.HOME },
            ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
            ...{ AWS_ENDPOINT_URL: world.endpoint(), AWS_EC2_METADATA_DISABLED: 'true' },
          },
        })
      expect((await run('echo')).stderr).toBe(`{"a":"it's"}`)
      await expect(run('failing')).rejects.toMatchObject({ code: 1 })
    },
    60_000,
  )

  test('that does not answer ends at the deadline, and is called once', async () => {
    const error = await failureOf(await start('lambda: { function: slow }', '2s'))
    expect(error).toMatchObject({
      code: 'StepDeadlineExceeded',
      message:
        "'drain' was not done in time: it is not known whether the call to invoke function 'slow' was carried out",
    })
  })
})
