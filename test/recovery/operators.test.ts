import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { ERRORS } from '../../src/core/errors.ts'
import { openIdentity } from '../../src/region/identity.ts'
import { rootCredentials } from '../../src/region/root-credentials.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { lifeboat, temporaryFolder } from '../cli/lifeboat.ts'
import { until } from '../trials/trial-region.ts'
import { AWAY, HOME, twoRegionShop } from './two-region-shop.ts'

const APPROVAL_REQUIRED = ERRORS.ApprovalRequired.exit
const EXECUTION_LOCKED = ERRORS.ExecutionLocked.exit

const shop = twoRegionShop({ strategy: 'pilot-light' })
const tasks = async () =>
  (await shop.region(AWAY).services.getService({ cluster: 'shop', service: 'shop' })).desiredCount
/** Holds the machines of the operators and how these sign in to AWS. */
const folder = temporaryFolder()
let roleArn: string

/** Operators assume a role that may what Lifeboat may. */
beforeAll(async () => {
  const iam = new IAM({ ...shop.root(), region: AWAY })
  const { User } = await iam.getUser({ UserName: 'lifeboat' })
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: User!.Arn } }
  const { Role } = await iam.createRole({
    RoleName: 'operator',
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  })
  roleArn = Role!.Arn!
  const attached = await iam.listAttachedUserPolicies({ UserName: 'lifeboat' })
  for (const { PolicyArn } of attached.AttachedPolicies!) {
    await iam.attachRolePolicy({ RoleName: 'operator', PolicyArn })
  }
  iam.destroy()
  writeFileSync(
    join(folder.path, 'config'),
    `[profile operator]\ncredential_process = cat ${join(folder.path, 'signed-in.json')}\n`,
  )
  await signIn(3600)
})
afterAll(() => folder.remove())

test('of two operators who fail over at once one does, and the other is told who', async () => {
  const { publicName, findings } = JSON.parse(
    (await on('ana', 'status', '--workload', shop.workloadFile())).stdout,
  )
  expect(publicName).toMatchObject({ name: 'www.shop.example', setup: 'gated', gateBy: null })
  expect(findings.join()).not.toMatch(/AccessDenied|CredentialsRefused|CallRefused/)

  await shop.home().breakDown(HOME, { kind: 'kill' })
  const both = await Promise.all(['ana', 'bea'].map((user) => failover(user)))
  const winner = both.findIndex(({ code }) => code === APPROVAL_REQUIRED)
  expect([both[winner], both[1 - winner]].map((one) => one?.code)).toEqual([
    APPROVAL_REQUIRED,
    EXECUTION_LOCKED,
  ])
  const [won, lost] = winner === 0 ? ['ana', 'bea'] : ['bea', 'ana']
  const [mine] = await executionsOf(won)
  expect(both[1 - winner]!.stderr).toContain(`execution '${mine!.id}' of ${won} on `)
  expect(await executionsOf(lost)).toEqual([])
  // A task was started to see whether one can be, and nothing is left of it.
  const { steps } = await show(won, mine!.id)
  expect(steps.find(({ name }) => name === 'readiness')!.output).toMatchObject({
    services: [{ runningCount: 0, trial: 'a task of it starts' }],
  })
  expect(await tasks()).toBe(0)

  // The other one can go on with it from another machine, when told why.
  const { id } = mine!
  const resume = ['execution', 'resume', id, '--workload', shop.workloadFile()]
  expect((await on(lost, ...resume)).code).toBe(ERRORS.ExecutionNotFound.exit)
  const taken = await on(lost, ...resume, '--take-over', `${won} sleeps`)
  expect(taken.code, taken.stderr).toBe(APPROVAL_REQUIRED)
  const refused = await on(won, 'execution', 'approve', id)
  expect(refused.code, refused.stderr).toBe(EXECUTION_LOCKED)
  expect(refused.stderr).toContain(`execution '${id}' of ${lost} on `)
  const canceled = await on(lost, 'execution', 'cancel', id)
  expect(canceled.code, canceled.stderr).toBe(0)
  // It has ended there, and is in nobody's way here.
  const back = await on(won, ...resume, '--take-over', 'I am awake')
  expect(back.code, back.stderr).toBe(ERRORS.ExecutionNotWaiting.exit)
  expect(back.stderr).toContain('has ended on ')
  expect((await executionsOf(won)).map(({ status }) => status)).toEqual(['canceled'])
}, 240_000)

test('credentials that end in the middle pause it, and it goes on where it was after another sign-in', async () => {
  expect((await failover('ana')).code).toBe(APPROVAL_REQUIRED)
  const waiting = await executionsOf('ana')
  const { id } = waiting.find(({ status }) => status === 'pendingApproval')!
  // It stops in a step, or before the next one, as its lock cannot be renewed either: then nothing ends it but we.
  const approve = ['--json', 'execution', 'approve', id, '--yes']
  const goingOn = lifeboat(approve, { ...machineOf('ana'), interruptAt: 'Sign in to AWS again.' })
  const { rds } = shop.region(AWAY)
  await until('the replica is promoted', 60_000, async () => {
    return (await rds.getInstance('shop-db-standby')).replicaOf === undefined
  })
  await signIn(1)
  const stopped = await goingOn
  expect(stopped.code, stopped.stderr).not.toBe(0)
  expect(stopped.stderr).toContain('ExpiredToken')
  expect(stopped.stderr).toContain('Sign in to AWS again.')
  const paused = await show('ana', id)
  expect(['pausedByFailedStep', 'interrupted']).toContain(paused.status)

  await signIn(3600)
  const again = paused.status === 'interrupted' ? 'resume' : 'retry'
  const done = await on('ana', 'execution', again, id, '--yes')
  expect(done.code, done.stderr).toBe(0)
  const ended = await show('ana', id)
  expect(ended).toMatchObject({ status: 'completed', verdict: 'proven' })
  // What was done before is not done again.
  for (const { name, status, attempts } of paused.steps) {
    const after = ended.steps.find((step) => step.name === name)
    if (status === 'completed') expect(after).toMatchObject({ name, attempts })
  }
  expect(await tasks()).toBe(1)
  await shop.orders(10)
}, 300_000)

test('away from home it is looked at and watched where it is, and nothing is begun that is for home', async () => {
  const { id } = (await executionsOf('ana'))[0]!
  const workload = ['--workload', shop.workloadFile()]
  const { code, stdout, stderr } = await on('ana', 'status', ...workload)
  expect(code, stderr).toBe(0)
  const status = JSON.parse(stdout)
  expect(status).toMatchObject({
    state: 'passed',
    away: { failover: id, region: AWAY, fenceOwed: 'none' },
    instance: { identifier: 'shop-db-standby', status: 'available' },
  })
  expect(status.findings).toEqual(
    expect.arrayContaining([
      expect.stringMatching(`^it is in ${AWAY} since .*, by '${id}': when ${HOME} is well, `),
      expect.stringMatching(
        /^'shop-db' in .* was not proven fenced \(none\): lifeboat watch fences/,
      ),
    ]),
  )

  const watched = await watchedUntil('✔ shop: every order has a total')
  expect(watched.code, watched.stderr).toBe(130)
  expect(watched.stderr).toContain(`✘ shop: it is in ${AWAY} since `)

  for (const runbook of ['region-failure', 'data-corruption']) {
    const refused = await on('ana', 'runbook', 'run', runbook, ...workload)
    expect(refused.code, refused.stderr).toBe(ERRORS.WorkloadAway.exit)
    expect(refused.stderr).toContain(`'shop' is in ${AWAY} since `)
  }
  expect((await executionsOf('ana'))[0]).toMatchObject({ id, status: 'completed' })
}, 240_000)

/** On the operator's own machine. */
function on(user: string, ...args: string[]) {
  return lifeboat(['--json', ...args], machineOf(user))
}

/** What a watch of ana's has said until it said this. */
function watchedUntil(interruptAt: string) {
  const watch = ['watch', '--no-start', '--workload', shop.workloadFile()]
  return lifeboat(watch, { ...machineOf('ana'), interruptAt })
}

function machineOf(user: string) {
  const { AWS_ENDPOINT_URL, LIFEBOAT_DNS, AWS_REGION } = shop.environment()
  return {
    home: join(folder.path, user),
    environment: {
      ...{ AWS_ENDPOINT_URL, LIFEBOAT_DNS, AWS_REGION },
      ...{ AWS_CONFIG_FILE: join(folder.path, 'config'), AWS_PROFILE: 'operator' },
      LIFEBOAT_OPERATOR: user,
    },
  }
}

function failover(user: string) {
  const workload = ['--workload', shop.workloadFile()]
  const said = ['--witness', 'the test', '--accept-data-loss', '30m']
  return on(user, 'runbook', 'run', 'region-failure', ...workload, ...said)
}

async function executionsOf(user: string): Promise<{ id: string; status: string }[]> {
  const { stdout } = await on(user, 'execution', 'list')
  return JSON.parse(stdout).executions
}

async function show(
  user: string,
  id: string,
): Promise<Pick<Execution, 'status' | 'verdict' | 'steps'>> {
  const { stdout } = await on(user, 'execution', 'show', id)
  return JSON.parse(stdout)
}

/**
 * Leaves keys of the operators' role with so many seconds left. STS itself gives none for less than 15 minutes. The program that
 * hands them on promises more than they keep, as after a revocation.
 */
async function signIn(durationSeconds: number): Promise<void> {
  const home = shop.home().folder
  const identity = await openIdentity({
    ...{ folder: join(home, 'iam'), delayMs: 0, clock: systemClock },
    credentials: await rootCredentials(join(home, 'credentials.json')),
  })
  const { accountId } = identity.iam
  const { id, arn } = identity.iam.getUser('lifeboat')
  const caller = { accountId, arn, userId: id, accessKeyId: 'AKIAOFLIFEBOAT000000' }
  const { accessKeyId, secretAccessKey, sessionToken } = identity.sessions.start(caller, {
    ...{ roleArn, sessionName: 'operator', durationSeconds },
    ...{ externalId: undefined, policy: undefined, policyArns: [] },
  })
  await identity.iam.close()
  const signedIn = {
    ...{ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey },
    SessionToken: sessionToken,
    // So soon that clients read the file again with each call.
    Expiration: new Date(Date.now() + 280_000).toISOString(),
  }
  writeFileSync(join(folder.path, 'new.json'), JSON.stringify(signedIn))
  renameSync(join(folder.path, 'new.json'), join(folder.path, 'signed-in.json'))
}
