import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ECS } from '@aws-sdk/client-ecs'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { endTrialsOf, tryTask } from '../../src/recovery/runbooks/region-failure/task-trial.ts'
import { IMAGES } from '../aws/ecs/ecs-under-test.ts'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'

const world = twoRegions()
const clients = new Map<string, RegionClient>()
const at = (region: string) => {
  const known =
    clients.get(region) ?? new RegionClient({ ...world.client(region), clock: systemClock })
  clients.set(region, known)
  return known
}
afterAll(() => {
  for (const client of clients.values()) client.close()
})

describe('the services of a workload, as a runbook handles them', () => {
  const name = { cluster: 'default', service: 'web' }
  const wait = { deadlineMs: 60_000, everyMs: 50 }
  const ecs = () => new ECS(world.client(HERE))

  beforeAll(async () => {
    const file = join(world.home().folder, 'images.json')
    await writeFile(file, JSON.stringify(IMAGES), { mode: 0o600 })
    const container = { name: 'main', image: 'waiting', memory: 64 }
    await ecs().createCluster({})
    await ecs().registerTaskDefinition({ family: 'web', containerDefinitions: [container] })
    await ecs().createService({ serviceName: 'web', taskDefinition: 'web', desiredCount: 2 })
  })

  test('are stopped and started again at the count of before, however often a step runs', async () => {
    const { services } = at(HERE)
    expect(await services.waitUntilStable(name, wait)).toMatchObject({ runningCount: 2 })
    expect(await services.listServices('default')).toHaveLength(1)
    expect(await services.setDesiredCount(name, 0, 'execution-1')).toBe(2)
    expect(await services.setDesiredCount(name, 0, 'execution-1')).toBe(2)
    expect(await services.waitUntilStable(name, wait)).toMatchObject({
      ...{ runningCount: 0, desiredCount: 0, tags: { 'lifeboat:desired-count': '2 execution-1' } },
    })
    await expect(services.setDesiredCount(name, 1, 'execution-2')).rejects.toMatchObject({
      code: 'CallRefused',
      message: expect.stringContaining("was changed by execution 'execution-1'"),
    })
    expect((await services.getService(name)).desiredCount).toBe(0)
    expect(await services.restoreDesiredCount(name, 'execution-1')).toBe(2)
    expect(await services.restoreDesiredCount(name, 'execution-1')).toBe(2)
    const restored = await services.waitUntilStable(name, wait)
    expect(restored).toMatchObject({ runningCount: 2, tags: {} })
  })

  test('are not left with the task of a trial that died, nor called unfit when it is stopped', async () => {
    const { services } = at(HERE)
    const there = { ...name, desiredCount: 0, runningCount: 0, tasks: 2 }
    await services.keepDesiredCount(name, 0)
    await services.setDesiredCount(name, 1, 'execution-3')
    await services.waitUntilStable(name, wait)
    await endTrialsOf(at(HERE), [name], 'execution-3')
    const ended = await services.waitUntilStable(name, wait)
    expect(ended).toMatchObject({ desiredCount: 0, tags: {} })

    const stop = new AbortController()
    const reason = new LifeboatError('StateUnreachable', 'nobody knows whose it is')
    const database = {
      ...({ kind: 'replica', instance: 'db', position: '0/0', newestCommitAt: null } as const),
      endpoint: { host: '127.0.0.1', port: 1 },
    }
    const trying = { execution: 'execution-4', signal: stop.signal, progress: () => {} }
    const trial = tryTask(at(HERE), there, { ...trying, database, setup: 'gated' })
    stop.abort(reason)
    await expect(trial).rejects.toBe(reason)
    expect(await services.getService(name)).toMatchObject({ desiredCount: 0, tags: {} })
    await services.keepDesiredCount(name, 2)
    await services.waitUntilStable(name, wait)
  })

  test('are deployed anew once, and waited for until all tasks are new', async () => {
    const { services } = at(HERE)
    const before = await services.getService(name)
    const startedAt = new Date()
    const id = await services.forceNewDeployment(name, startedAt)
    expect(id).not.toBe(before.deployment.id)
    expect(await services.forceNewDeployment(name, startedAt)).toBe(id)
    const stable = await services.waitUntilStable(name, wait)
    expect(stable.deployment).toMatchObject({ id, hasFailed: false })
  })

  test('that cannot run are told with what ECS says of them', async () => {
    const { services } = at(HERE)
    const absent = { ...name, service: 'absent' }
    await expect(services.getService(absent)).rejects.toMatchObject({ code: 'ResourceNotFound' })
    const container = { name: 'main', image: 'absent:1', memory: 64 }
    await ecs().registerTaskDefinition({ family: 'web', containerDefinitions: [container] })
    const breaker = { deploymentCircuitBreaker: { enable: true, rollback: false } }
    await ecs().updateService({
      ...{ service: 'web', taskDefinition: 'web', deploymentConfiguration: breaker },
    })
    await expect(services.waitUntilStable(name, wait)).rejects.toMatchObject({
      code: 'CallRefused',
      message: expect.stringContaining('deployment failed: tasks failed to start'),
    })
    await ecs().updateService({ service: 'web', forceNewDeployment: true })
    const short = { deadlineMs: 200, everyMs: 50 }
    await expect(services.waitUntilStable(name, short)).rejects.toMatchObject({
      code: expect.stringMatching(/^(StepDeadlineExceeded|CallRefused)$/),
    })
  })
})

describe('the secrets of a workload, as a runbook handles them', () => {
  test('are replicated, promoted while the primary is dead, and brought home', async () => {
    const name = 'shop/database'
    const fields = { host: 'old', port: 5432, username: 'shop', password: 'pass' }
    const SecretString = JSON.stringify(fields)
    await new SecretsManager(world.client(HERE)).createSecret({ Name: name, SecretString })
    const [here, there] = [at(HERE).secrets, at(THERE).secrets]
    expect(await here.replicationOf(name)).toEqual({
      ...{ primaryRegion: undefined, isReplica: false, replicas: [] },
    })
    await here.replicate(name, THERE)
    await here.replicate(name, THERE)
    await expect
      .poll(() => here.replicationOf(name))
      .toEqual({
        primaryRegion: HERE,
        isReplica: false,
        replicas: [{ region: THERE, state: 'inSync' }],
      })
    expect(await there.replicationOf(name)).toMatchObject({ primaryRegion: HERE, isReplica: true })
    const token = 'a-token-of-32-characters-or-more-'
    const to = { host: 'new', port: 5433, instance: 'shop-db' }
    await expect(there.pointDatabaseSecret(name, to, token)).rejects.toMatchObject({
      code: 'CallRefused',
    })

    await world.kill(HERE)
    const arn = await there.promoteReplica(name)
    expect(await there.promoteReplica(name)).toBe(arn)
    await there.pointDatabaseSecret(name, to, token)
    expect(await there.getDatabaseSecret(name)).toMatchObject({ host: 'new', port: 5433 })
    await world.start(HERE)
    await there.replicate(name, HERE, true)
    await expect
      .poll(() => there.replicationOf(name))
      .toMatchObject({ replicas: [{ region: HERE, state: 'inSync' }] })
    expect(await here.getDatabaseSecret(name)).toMatchObject({ host: 'new', password: 'pass' })
  })
})
