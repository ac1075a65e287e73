import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ContainerDefinition,
  ECS,
  type RegisterTaskDefinitionCommandInput,
  type Service,
  type Task,
} from '@aws-sdk/client-ecs'
import { beforeAll } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { iamUnderTest } from '../iam/iam-under-test.ts'

export const CLUSTER = 'shop'
export const ARN = 'arn:aws:ecs:ap-southeast-1:000000000000'

/** What tasks of the tests may run: `local` anything, the others what they say. */
export const IMAGES = {
  local: { unrestricted: true },
  // Waits, and ends at once when it is asked to.
  waiting: { entryPoint: ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'] },
  // Does not end when it is asked to.
  stubborn: { entryPoint: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] },
  echo: {
    entryPoint: ['/bin/echo'],
    command: ['by', 'default'],
    allowCommand: true,
    allowEnvironment: ['DB_*', 'MODE'],
    environment: { MODE: 'image' },
  },
}

/** A region with a cluster, an ECS client and images, for a test file. */
export function ecsUnderTest() {
  const region = iamUnderTest()
  let ecs: ECS
  const connect = () => {
    ecs = new ECS(region.client())
  }
  const images = async (more: object = {}) => {
    const file = join(region.folder(), 'images.json')
    await writeFile(file, JSON.stringify({ ...IMAGES, ...more }), { mode: 0o600 })
  }
  beforeAll(async () => {
    connect()
    await images()
    await ecs.createCluster({ clusterName: CLUSTER })
  })

  const describeTask = async (arn: string): Promise<Task> => {
    const { tasks } = await ecs.describeTasks({ cluster: CLUSTER, tasks: [arn], include: ['TAGS'] })
    return tasks![0]!
  }
  const describeService = async (name: string): Promise<Service> => {
    const { services } = await ecs.describeServices({ cluster: CLUSTER, services: [name] })
    return services![0]!
  }
  const untilTask = async (arn: string, lastStatus: string): Promise<Task> => {
    let task: Task | undefined
    await until(`task ${arn} is ${lastStatus}`, 60_000, async () => {
      task = await describeTask(arn)
      return task.lastStatus === lastStatus
    })
    return task!
  }

  return {
    ...region,
    ecs: () => ecs,
    /** Writes `images.json`, with these beside `IMAGES`. */
    images,
    restart: async () => {
      await region.restart()
      connect()
    },
    /** Registers a family of one container; its ARN. */
    define: async (
      family: string,
      container: Partial<ContainerDefinition>,
      more: Partial<RegisterTaskDefinitionCommandInput> = {},
    ): Promise<string> => {
      const { taskDefinition } = await ecs.registerTaskDefinition({
        family,
        containerDefinitions: [{ name: 'main', image: 'waiting', memory: 64, ...container }],
        ...more,
      })
      return taskDefinition!.taskDefinitionArn!
    },
    /** Runs one task; its ARN. */
    run: async (taskDefinition: string, more = {}): Promise<string> => {
      const { tasks } = await ecs.runTask({ cluster: CLUSTER, taskDefinition, ...more })
      return tasks![0]!.taskArn!
    },
    describeTask,
    describeService,
    untilTask,
    /** Waits until a service is as it should be: one deployment, and as many tasks as desired. */
    untilStable: async (name: string): Promise<Service> => {
      let service: Service | undefined
      await until(`service ${name} is stable`, 60_000, async () => {
        service = await describeService(name)
        const { deployments = [], runningCount, desiredCount } = service
        return deployments.length === 1 && runningCount === desiredCount
      })
      return service!
    },
    /** The tasks of a service that are to run, or that have stopped. */
    tasksOf: async (service: string, desiredStatus: 'RUNNING' | 'STOPPED' = 'RUNNING') => {
      const listed = await ecs.listTasks({ cluster: CLUSTER, serviceName: service, desiredStatus })
      const tasks = listed.taskArns ?? []
      if (tasks.length === 0) return []
      return (await ecs.describeTasks({ cluster: CLUSTER, tasks })).tasks ?? []
    },
    /** What a container has printed. */
    output: (taskArn: string, container = 'main') => {
      const id = taskArn.slice(taskArn.lastIndexOf('/') + 1)
      const file = join(region.folder(), 'ecs', 'logs', id, `${container}.log`)
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    },
    /** The processes of a task. */
    processes: markedProcesses,
  }
}

/** The processes of a task, by their environment. */
export function markedProcesses(taskArn: string): number[] {
  const mark = `/v4/${taskArn.slice(taskArn.lastIndexOf('/') + 1)}-`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(mark))
    .map(Number)
}

/** Empty for a process that has gone, or is none of ours. */
export function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(code)) return ''
    throw error
  }
}
