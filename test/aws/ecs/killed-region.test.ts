import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ECS } from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HomeChild } from '../../../src/region/home-child.ts'
import { regionProgram } from '../../../src/region/home-programs.ts'
import { rootCredentials } from '../../../src/region/root-credentials.ts'
import { Chance } from '../../trials/rounds.ts'
import { until } from '../../trials/trial-region.ts'
import { IMAGES, markedProcesses } from './ecs-under-test.ts'

const ROUNDS = Number(process.env.LIFEBOAT_KILLS ?? 4)
const REGION = 'ap-southeast-1'
const AT = { cluster: 'default' }

describe('a region killed with kill -9 while it runs tasks', () => {
  const chance = new Chance()
  let home: string
  let region: HomeChild
  let ecs: ECS

  const start = async () => {
    region = await HomeChild.start(regionProgram(home, REGION))
    const credentials = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8'))
    const endpoint = `http://127.0.0.1:${region.port}`
    ecs = new ECS({ region: REGION, endpoint, credentials, maxAttempts: 1 })
  }
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-ecs-killed-'))
    await chmod(folder, 0o711)
    home = join(folder, 'home')
    await rootCredentials(join(home, 'credentials.json'))
    await writeFile(join(home, 'images.json'), JSON.stringify(IMAGES), { mode: 0o600 })
    await start()
    await ecs.createCluster({})
    const container = { name: 'main', image: 'waiting', memory: 64 }
    await ecs.registerTaskDefinition({ family: 'web', containerDefinitions: [container] })
    await ecs.createService({ ...AT, serviceName: 'web', taskDefinition: 'web', desiredCount: 2 })
  })
  afterAll(async () => {
    await region.stop()
    await rm(join(home, '..'), { recursive: true, force: true })
  })

  const service = async () =>
    (await ecs.describeServices({ ...AT, services: ['web'] })).services![0]!
  const running = async () => {
    const { taskArns: tasks = [] } = await ecs.listTasks({ ...AT, serviceName: 'web' })
    return tasks.length === 0 ? [] : ((await ecs.describeTasks({ ...AT, tasks })).tasks ?? [])
  }

  test(
    `brings its services back, and nothing else, ${ROUNDS} times (seed ${chance.seed})`,
    async () => {
      const killed: string[] = []
      let [wanted, asked] = [2, 2]
      for (let round = 1; round <= ROUNDS; round += 1) {
        const { taskArns: alone } = await ecs
          .runTask({ ...AT, taskDefinition: 'web' })
          .then(({ tasks }) => ({ taskArns: tasks!.map(({ taskArn }) => taskArn!) }))
        asked = Math.floor(chance.between(0, 4))
        const change = ecs
          .updateService({ ...AT, service: 'web', desiredCount: asked, forceNewDeployment: true })
          .then(
            () => true,
            () => false,
          )
        await sleep(chance.between(0, 300))
        const mine = (await running().catch(() => [])).map(({ taskArn }) => taskArn!)
        process.kill(-region.identity.pid, 'SIGKILL')
        killed.push(...mine, ...alone)
        const before = wanted
        if (await change) wanted = asked
        await until('the region is gone', 60_000, async () => !region.isAlive)
        // All of it was in one process group.
        await until('its tasks are gone', 60_000, async () =>
          killed.every((arn) => markedProcesses(arn).length === 0),
        )
        await start()
        const { desiredCount } = await service()
        expect([wanted, ...(wanted === before ? [asked] : [])]).toContain(desiredCount)
        wanted = desiredCount!
        await until('the service is at its count', 60_000, async () => {
          const { deployments = [], runningCount } = await service()
          return deployments.length === 1 && runningCount === wanted
        })
        const now = await running()
        expect(now).toHaveLength(wanted)
        for (const { taskArn } of now) {
          expect(killed).not.toContain(taskArn)
          expect(markedProcesses(taskArn!).length).toBeGreaterThan(0)
        }
        // A task that belongs to no service is not started again, and is known to have stopped.
        const { tasks, failures } = await ecs.describeTasks({ ...AT, tasks: alone })
        expect(failures).toEqual([])
        expect(tasks).toMatchObject([{ lastStatus: 'STOPPED', stoppedReason: 'Host terminated.' }])
        for (const arn of killed) expect(markedProcesses(arn)).toEqual([])
      }
    },
    120_000 + ROUNDS * 10_000,
  )
})
