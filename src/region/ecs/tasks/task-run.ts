import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import type {
  ContainerDependency,
  NetworkBinding,
  TaskStopCode,
} from '../../protocol/models/ecs.ts'
import { checkedDependencies } from '../start-order.ts'
import type { Container } from '../task-definition.ts'
import { BoundedLog } from './bounded-log.ts'
import { ContainerProcess } from './container-process.ts'
import { passesCheck, watchHealth } from './health-checks.ts'
import type { ProcessPlan } from './process-plan.ts'
import { StartFailure } from './start-failure.ts'
import type { ContainerRecord, TaskRecord } from './task.ts'
import type { Tasks } from './tasks.ts'

const DEFAULT_STOP_TIMEOUT_S = 30
const DEFAULT_START_TIMEOUT_S = 180

/** Why a task is stopped. */
export interface StopCause {
  readonly code: TaskStopCode
  readonly reason: string
}

/** A container, ready to be started. */
export interface PreparedContainer {
  readonly container: Container
  readonly plan: ProcessPlan
  readonly bindings: readonly NetworkBinding[]
}

export interface TaskRunOptions {
  readonly id: string
  readonly tasks: Tasks
  readonly containers: readonly Container[]
  /** Images, secrets, keys and ports of all containers. @throws StartFailure */
  readonly prepare: () => Promise<readonly PreparedContainer[]>
  /** Holds a file for each container's output. */
  readonly logFolder: string
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

interface Running {
  readonly process: ContainerProcess
  readonly plan: ProcessPlan
  exitCode?: number
}

/**
 * One task from its first status to its last: its containers are prepared and started in the order of their dependencies; it
 * runs until an essential one ends or somebody stops it; then the others are stopped in the reverse order.
 */
export class TaskRun {
  readonly #running = new Map<string, Running>()
  readonly #health = new Map<string, string>()
  readonly #watching = new AbortController()
  readonly #changes = new Set<() => void>()
  #cause: StopCause | undefined
  #stopTimeoutMs: number | undefined

  constructor(private readonly o: TaskRunOptions) {}

  /** Resolves when the task has stopped and that is stored. */
  async run(): Promise<void> {
    const { tasks, id } = this.o
    try {
      await this.#change({ lastStatus: 'PENDING', pullStartedAt: this.#timestamp() })
      const prepared = await this.o.prepare()
      await this.#change({ pullStoppedAt: this.#timestamp() })
      await this.#start(prepared)
      if (!this.#cause) await this.#change({ lastStatus: 'RUNNING', startedAt: this.#timestamp() })
      await this.#until(() => this.#cause !== undefined)
    } catch (error) {
      if (!(error instanceof StartFailure)) this.o.onError(error)
      await this.#fail(error)
    }
    this.#watching.abort()
    const executionStoppedAt = this.#timestamp()
    await this.#change({ desiredStatus: 'STOPPED', lastStatus: 'STOPPING', executionStoppedAt })
    await this.#stopAll()
    await this.#change({ lastStatus: 'DEPROVISIONING' })
    await tasks.change(id, (task) => ({
      ...task,
      lastStatus: 'STOPPED',
      stoppedAt: this.#timestamp(),
      containers: task.containers.map((one) => ({ ...one, lastStatus: 'STOPPED' as const })),
    }))
  }

  /**
   * Asks for its end; what was asked first counts. Durable when it resolves.
   *
   * @param o.timeoutMs  in place of what the containers ask for
   */
  async stop(cause: StopCause, o: { timeoutMs?: number } = {}): Promise<void> {
    this.#stopTimeoutMs ??= o.timeoutMs
    await this.#end(cause)
  }

  async #end(cause: StopCause): Promise<void> {
    if (this.#cause) return
    this.#cause = cause
    await this.#change({
      desiredStatus: 'STOPPED',
      stoppingAt: this.#timestamp(),
      stopCode: cause.code,
      stoppedReason: cause.reason,
    })
    this.#tellChange()
  }

  async #fail(error: unknown): Promise<void> {
    const isTold = error instanceof StartFailure
    const reason = isTold ? error.message : 'ContainerRuntimeError: an internal failure occurred'
    const about = isTold ? error.container : undefined
    if (about !== undefined) await this.#changeContainer(about, { reason })
    await this.#end({ code: 'TaskFailedToStart', reason })
  }

  async #start(prepared: readonly PreparedContainer[]): Promise<void> {
    const byName = new Map(prepared.map((one) => [one.container.name, one]))
    for (const container of checkedDependencies(this.o.containers)) {
      await this.#untilDependencies(container)
      if (this.#cause) return
      await this.#startContainer(byName.get(container.name)!)
    }
  }

  async #startContainer({ container, plan, bindings }: PreparedContainer): Promise<void> {
    const { name } = container
    const record = this.#record(name)
    const log = new BoundedLog(join(this.o.logFolder, `${name}.log`), this.o.onError)
    const { clock, onError } = this.o
    const { runtimeId } = record
    const process = await ContainerProcess.start(plan, { container: name, runtimeId, log, clock })
    const running: Running = { process, plan }
    this.#running.set(name, running)
    await this.#changeContainer(name, { lastStatus: 'RUNNING', networkBindings: bindings })
    process.ended.then((code) => this.#noteEnd(container, running, code)).catch(onError)
    if (container.healthCheck) this.#watch(container, plan)
  }

  async #noteEnd(container: Container, running: Running, exitCode: number): Promise<void> {
    await this.#changeContainer(container.name, { lastStatus: 'STOPPED', exitCode })
    running.exitCode = exitCode
    this.#tellChange()
    if (!container.essential) return
    const reason = 'Essential container in task exited'
    await this.#end({ code: 'EssentialContainerExited', reason })
  }

  #watch({ name, healthCheck: check }: Container, plan: ProcessPlan): void {
    const { clock, onError } = this.o
    const tell = async (healthStatus: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN') => {
      this.#health.set(name, healthStatus)
      await this.#changeContainer(name, { healthStatus })
      this.#tellChange()
    }
    const passes = () => passesCheck(plan, check!)
    const { signal } = this.#watching
    watchHealth({ check: check!, passes, tell, clock, signal }).catch(onError)
  }

  async #untilDependencies(container: Container): Promise<void> {
    const timeoutMs = (container.startTimeout ?? DEFAULT_START_TIMEOUT_S) * 1000
    const isMet = () => (container.dependsOn ?? []).every((one) => this.#isMet(one))
    const waiting = new AbortController()
    const late = this.o.clock.sleep(timeoutMs, waiting.signal).then(
      () => true,
      () => false,
    )
    const met = this.#until(() => isMet() || this.#cause !== undefined)
    const isLate = await Promise.race([late, met.then(() => false)])
    waiting.abort()
    if (isLate) throw dependencyFailure(container, 'did not get as far in time')
  }

  #isMet({ containerName = '', condition }: Partial<ContainerDependency>): boolean {
    const running = this.#running.get(containerName)
    if (!running) return false
    if (condition === 'START') return true
    if (condition === 'HEALTHY') return this.#health.get(containerName) === 'HEALTHY'
    if (running.exitCode === undefined) return false
    if (condition === 'COMPLETE' || running.exitCode === 0) return true
    throw new StartFailure(
      `CannotStartContainerError: dependency container '${containerName}' ended with exit code ${running.exitCode}`,
      containerName,
    )
  }

  /** Each ends after those that depend on it. */
  async #stopAll(): Promise<void> {
    const endedByName = new Map<string, Promise<unknown>>()
    for (const container of [...checkedDependencies(this.o.containers)].reverse()) {
      const { name, stopTimeout = DEFAULT_STOP_TIMEOUT_S } = container
      const dependants = this.o.containers.filter(({ dependsOn = [] }) =>
        dependsOn.some(({ containerName }) => containerName === name),
      )
      const before = Promise.all(dependants.map((one) => endedByName.get(one.name)))
      const timeoutMs = this.#stopTimeoutMs ?? stopTimeout * 1000
      endedByName.set(
        name,
        before.then(() => this.#running.get(name)?.process.stop(timeoutMs)),
      )
    }
    await Promise.all(endedByName.values())
    for (const [name, running] of this.#running) {
      const exitCode = await running.process.ended
      await this.#changeContainer(name, { lastStatus: 'STOPPED', exitCode })
    }
  }

  #record(name: string): ContainerRecord {
    return this.o.tasks.find(this.o.id)!.containers.find((one) => one.name === name)!
  }

  async #change(to: Partial<TaskRecord>): Promise<void> {
    await this.o.tasks.change(this.o.id, (task) => ({ ...task, ...to }))
  }

  async #changeContainer(name: string, to: Partial<ContainerRecord>): Promise<void> {
    await this.o.tasks.change(this.o.id, (task) => ({
      ...task,
      containers: task.containers.map((one) => (one.name === name ? { ...one, ...to } : one)),
    }))
  }

  #tellChange(): void {
    for (const tell of this.#changes) tell()
  }

  /** Waits until something is so. @throws what `isSo` throws */
  async #until(isSo: () => boolean): Promise<void> {
    if (isSo()) return
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        try {
          if (!isSo()) return
          resolve()
        } catch (error) {
          reject(error as Error)
        }
        this.#changes.delete(look)
      }
      this.#changes.add(look)
    })
  }

  #timestamp(): string {
    return this.o.clock.now().toISOString()
  }
}

function dependencyFailure({ name }: Container, what: string): StartFailure {
  return new StartFailure(
    `CannotStartContainerError: a container that '${name}' depends on ${what}`,
    name,
  )
}
