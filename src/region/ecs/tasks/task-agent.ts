import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import { killMarked } from '../../marked-processes.ts'
import { AuthFault } from '../../protocol/auth-fault.ts'
import type { NetworkBinding } from '../../protocol/models/ecs.ts'
import type { TaskDefinitionContent } from '../task-definition.ts'
import { environmentMark } from './container-process.ts'
import { HostPorts, variablesFor } from './host-ports.ts'
import { findImage, type Image, NoImage } from './images.ts'
import { planProcess } from './process-plan.ts'
import { secretValues } from './secret-values.ts'
import { StartFailure } from './start-failure.ts'
import { isStopped, type TaskRecord } from './task.ts'
import { TaskEndpoint, type TaskRoleKeys } from './task-endpoint.ts'
import { type PreparedContainer, type StopCause, TaskRun } from './task-run.ts'
import type { Tasks } from './tasks.ts'

/** Who assumes the roles of tasks. */
export const TASKS_SERVICE = 'ecs-tasks.amazonaws.com'

/** How long tasks may take to end when their region stops, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5000

export interface TaskAgentOptions {
  readonly region: string
  readonly tasks: Tasks
  /** Holds the output of containers, as `TASK/CONTAINER.log`. */
  readonly logFolder: string
  /** Says what images stand for. */
  readonly imagesFile: string
  /** Where tasks find the APIs of all regions. */
  readonly endpoint: () => string
  /** Where a region answers. */
  readonly endpointOf: (region: string) => string
  /**
   * Keys of a role, for a session of that name.
   *
   * @throws AuthFault unless the role is there and trusts `ecs-tasks.amazonaws.com`
   */
  readonly keysOf: (roleArn: string, service: string, sessionName: string) => TaskRoleKeys
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
}

/** Runs the tasks of a region as processes of this machine, until it is closed. */
export class TaskAgent {
  readonly #runs = new Map<string, { run: TaskRun; ended: Promise<void> }>()
  readonly #ports: HostPorts

  private constructor(
    private readonly o: TaskAgentOptions,
    private readonly endpoint: TaskEndpoint,
  ) {
    this.#ports = new HostPorts(o.random)
  }

  /**
   * Opens it where another one may have been killed: what that has left behind is ended, and its tasks have stopped with it.
   */
  static async open(o: TaskAgentOptions): Promise<TaskAgent> {
    for (const task of o.tasks.list().filter((one) => !isStopped(one))) {
      for (const { runtimeId } of task.containers) {
        await killMarked(environmentMark(runtimeId), o.clock)
      }
      await o.tasks.change(task.id, (before) => lostWithHost(before, o.clock.now().toISOString()))
    }
    const findTask = (id: string) => o.tasks.find(id)
    const { random, onError } = o
    return new TaskAgent(o, await TaskEndpoint.listen({ random, findTask, onError }))
  }

  /** Stores a task, durably, and begins to run it; false when another task has a port that it needs. */
  async launch(task: TaskRecord, content: TaskDefinitionContent): Promise<boolean> {
    const { tasks, logFolder, clock, onError } = this.o
    if (!this.#ports.reserve(content)) return false
    try {
      await tasks.put(task)
    } catch (error) {
      this.#ports.release(content)
      throw error
    }
    const chosen: NetworkBinding[] = []
    const run = new TaskRun({
      id: task.id,
      tasks,
      containers: content.containerDefinitions,
      prepare: () => this.#prepare(task, content, chosen),
      logFolder: join(logFolder, task.id),
      clock,
      onError,
    })
    const ended = run
      .run()
      .catch(onError)
      .finally(() => {
        this.#ports.release(content)
        this.#ports.giveBack(chosen)
        this.endpoint.revoke(task.id)
        this.#runs.delete(task.id)
      })
    this.#runs.set(task.id, { run, ended })
    return true
  }

  /** Begins to stop a task; one that has stopped is left alone. Durable when it resolves. */
  async stop(id: string, cause: StopCause): Promise<void> {
    await this.#runs.get(id)?.run.stop(cause)
  }

  /** Removes the output of tasks that are forgotten. */
  async forget(tasks: readonly TaskRecord[]): Promise<void> {
    for (const { id } of tasks) {
      await rm(join(this.o.logFolder, id), { recursive: true, force: true })
    }
  }

  /** Ends all tasks. */
  async close(): Promise<void> {
    const runs = [...this.#runs.values()]
    await Promise.all(runs.map(({ run }) => run.stop(HOST_GONE, { timeoutMs: CLOSE_TIMEOUT_MS })))
    await Promise.all(runs.map(({ ended }) => ended))
    await this.endpoint.close()
  }

  async #prepare(
    task: TaskRecord,
    content: TaskDefinitionContent,
    chosen: NetworkBinding[],
  ): Promise<PreparedContainer[]> {
    const { containerDefinitions } = content
    const images = new Map<string, Image>()
    for (const { image, name } of containerDefinitions) {
      images.set(name, await this.#image(image, name))
    }
    const roles = { taskRoleArn: content.taskRoleArn, executionRoleArn: content.executionRoleArn }
    const { taskRoleArn, executionRoleArn } = { ...roles, ...rolesIn(task) }
    const credentials = taskRoleArn === undefined ? {} : this.#grant(task.id, taskRoleArn)
    const prepared: PreparedContainer[] = []
    for (const container of containerDefinitions) {
      const hasSecrets = (container.secrets ?? []).length > 0
      const keys = hasSecrets ? this.#keys(executionRoleArn ?? '', task.id) : undefined
      const secrets = keys ? await secretValues(container, keys, this.o) : {}
      const bindings = await this.#ports.bind(container, content)
      chosen.push(...bindings)
      const { runtimeId } = task.containers.find(({ name }) => name === container.name)!
      const override = task.overrides.containerOverrides?.find(
        ({ name }) => name === container.name,
      )
      const plan = planProcess(images.get(container.name)!, container, override, {
        secrets,
        usual: { ...this.#usual(task), ...variablesFor(bindings), ...credentials },
        forced: this.endpoint.metadataVariables(runtimeId),
      })
      prepared.push({ container, plan, bindings })
    }
    return prepared
  }

  async #image(image: string, container: string): Promise<Image> {
    try {
      return await findImage(this.o.imagesFile, image)
    } catch (error) {
      if (!(error instanceof NoImage)) throw error
      throw new StartFailure(`CannotPullContainerError: ${error.message}`, container)
    }
  }

  /** Unlike AWS: a task is given `AWS_ENDPOINT_URL`, without which SDKs would call AWS. */
  #usual({ launchType }: TaskRecord): Record<string, string> {
    const { region, endpoint } = this.o
    return {
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ENDPOINT_URL: endpoint(),
      AWS_EXECUTION_ENV: `AWS_ECS_${launchType}`,
      AWS_EC2_METADATA_DISABLED: 'true',
    }
  }

  #grant(taskId: string, roleArn: string): Record<string, string> {
    this.#keys(roleArn, taskId)
    return this.endpoint.grant(taskId, roleArn, () => this.o.keysOf(roleArn, TASKS_SERVICE, taskId))
  }

  #keys(roleArn: string, sessionName: string): TaskRoleKeys {
    try {
      return this.o.keysOf(roleArn, TASKS_SERVICE, sessionName)
    } catch (error) {
      if (!(error instanceof AuthFault)) throw error
      throw new StartFailure(
        `ECS was unable to assume the role '${roleArn}' that was provided for this task. Please verify that the role ` +
          'being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.',
      )
    }
  }
}

/** Unlike AWS: there is no EC2 instance of which to give the id. */
const HOST_GONE: StopCause = { code: 'TerminationNotice', reason: 'Host terminated.' }

function lostWithHost(task: TaskRecord, stoppedAt: string): TaskRecord {
  const { code: stopCode, reason: stoppedReason } = HOST_GONE
  return {
    ...task,
    desiredStatus: 'STOPPED',
    lastStatus: 'STOPPED',
    stopCode: task.stopCode ?? stopCode,
    stoppedReason: task.stoppedReason ?? stoppedReason,
    stoppedAt,
    containers: task.containers.map((container) => ({ ...container, lastStatus: 'STOPPED' })),
  }
}

function rolesIn({ overrides }: TaskRecord): { taskRoleArn?: string; executionRoleArn?: string } {
  const { taskRoleArn, executionRoleArn } = overrides
  return {
    ...(taskRoleArn === undefined ? {} : { taskRoleArn }),
    ...(executionRoleArn === undefined ? {} : { executionRoleArn }),
  }
}
