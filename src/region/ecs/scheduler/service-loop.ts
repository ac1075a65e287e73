import { LifeboatError } from '../../../core/errors.ts'
import type { Ecs } from '../ecs.ts'
import { newTask } from '../new-task.ts'
import { isAlive, type ServiceRecord, withEvents } from '../service-record.ts'
import type { TaskDefinitionRecord } from '../task-definition.ts'
import { healthOf, type TaskRecord } from '../tasks/task.ts'
import type { TaskAgent } from '../tasks/task-agent.ts'
import { isFailure, isSuccess, progressed, UNHEALTHY } from './deployment-progress.ts'
import { restartDelayMs, UNTHROTTLED_FAILURES } from './restart-delay.ts'
import { nextSteps, type Placed } from './rolling-update.ts'

/**
 * How soon a task may follow one that has ended by itself, in milliseconds. Unlike AWS, where the start of a task takes its
 * time, it would be at once, and a program that ends at once would be started hundreds of times a second.
 */
const SHORTEST_LIFE_MS = 1000
/** When a look at the service that failed is repeated, in milliseconds. */
const RETRY_MS = 5000

const BLOCKED =
  'was unable to stop or start tasks during a deployment because of the service deployment configuration. ' +
  'Update the minimumHealthyPercent or maximumPercent value and try again.'

/** Brings one service to its desired count, and keeps it there, until its tasks are gone and it is inactive. */
export class ServiceLoop {
  /** Tasks that have ended, or are about to, and count no more. */
  #accounted: ReadonlySet<string>
  /** Tasks that were unhealthy: they are replaced, even when they recover meanwhile. */
  #condemned: ReadonlySet<string> = new Set()
  #startFailures = 0
  #isThrottled = false
  #isSteady = false
  #isBlocked = false
  #notBeforeMs = 0
  #isWoken = false
  #wake: (() => void) | undefined

  constructor(
    private readonly ecs: Ecs,
    private readonly agent: TaskAgent,
    private readonly at: { readonly cluster: string; readonly name: string },
    private readonly onError: (error: unknown) => void,
  ) {
    this.#accounted = new Set(this.#ended().map(({ id }) => id))
  }

  /** Says that something has changed. */
  wake(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  /** Forgets failures, as a change of the service does. */
  reset(): void {
    this.#startFailures = 0
    this.#isThrottled = false
    this.#notBeforeMs = 0
    this.wake()
  }

  /** Ends when the service is inactive or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true })
    while (!signal.aborted) {
      const waitMs = await this.#reconcile().catch((error: unknown) => {
        // A full disk, say: the service is looked after again when there may be room.
        if (!(error instanceof LifeboatError)) throw error
        this.onError(error)
        return RETRY_MS
      })
      if (waitMs === 'inactive') return
      await this.#untilWoken(waitMs, signal)
    }
  }

  /** One look at the service; answers in how many milliseconds it is to be looked at again, unless it is woken. */
  async #reconcile(): Promise<number | undefined | 'inactive'> {
    const { ecs, at } = this
    const failures = this.#account(ecs.getService(at.cluster, at.name))
    const tasks = ecs.tasks.ofService(at).filter(isAlive)
    const service = await ecs.changeService(at, (before) => {
      const after = progressed(ecs, before, { tasks, failures })
      const isGone = before.status === 'DRAINING' && tasks.length === 0
      return isGone ? { ...after, status: 'INACTIVE' } : after
    })
    if (service.status === 'INACTIVE') return 'inactive'
    const [primary] = service.deployments
    if (!primary) return undefined
    const isCondemned = ({ id }: TaskRecord) => this.#condemned.has(id)
    this.#condemned = new Set(
      tasks.flatMap((task) =>
        isCondemned(task) || healthOf(task) === 'UNHEALTHY' ? [task.id] : [],
      ),
    )
    const placed = (some: readonly TaskRecord[]) =>
      some.map((task): Placed => ({ id: task.id, state: stateOf(task, isCondemned(task)) }))
    const steps = nextSteps({
      desiredCount: service.desiredCount,
      ...service.configuration,
      primary: placed(tasks.filter(({ startedBy }) => startedBy === primary.id)),
      replaced: placed(tasks.filter(({ startedBy }) => startedBy !== primary.id)),
      mayStart: primary.rolloutState !== 'FAILED',
    })
    await this.#stop(service, tasks, steps.stop)
    const waitMs = steps.start > 0 ? await this.#start(service, steps.start) : undefined
    await this.#tellSteadiness(service, tasks)
    if (steps.isBlocked && !this.#isBlocked) await this.#tell(service, [BLOCKED])
    this.#isBlocked = steps.isBlocked
    return waitMs
  }

  /**
   * Takes notice of the primary deployment's tasks that have run or ended since the last time; answers how many count against
   * it.
   */
  #account({ deployments }: ServiceRecord): number {
    const ended = this.#ended()
    const isOwn = ({ startedBy }: TaskRecord) => startedBy === deployments[0]?.id
    if (this.ecs.tasks.ofService(this.at).some((task) => isOwn(task) && isSuccess(task))) {
      this.#startFailures = 0
      this.#isThrottled = false
    }
    const added = ended.filter((task) => isOwn(task) && !this.#accounted.has(task.id))
    this.#accounted = new Set(ended.map(({ id }) => id))
    const failures = added.filter(isFailure).length
    const nowMs = this.ecs.o.clock.monotonicMs()
    if (added.some(({ stopCode }) => stopCode === 'EssentialContainerExited')) {
      this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + SHORTEST_LIFE_MS)
    }
    if (failures > 0) {
      this.#startFailures += failures
      this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + restartDelayMs(this.#startFailures))
    }
    return failures
  }

  #ended(): TaskRecord[] {
    const tasks = this.ecs.tasks.ofService(this.at)
    return tasks.filter(({ desiredStatus }) => desiredStatus === 'STOPPED')
  }

  async #stop(
    service: ServiceRecord,
    tasks: readonly TaskRecord[],
    ids: readonly string[],
  ): Promise<void> {
    if (ids.length === 0) return
    for (const id of ids) {
      const task = tasks.find((one) => one.id === id)!
      const scaling = `Scaling activity initiated by (deployment ${task.startedBy})`
      const reason = this.#condemned.has(id) ? UNHEALTHY : scaling
      await this.agent.stop(id, { code: 'ServiceSchedulerInitiated', reason })
    }
    const list = ids.map((id) => `(task ${id})`).join(' ')
    await this.#tell(service, [`has stopped ${ids.length} running tasks: ${list}.`])
  }

  /** Answers in how many milliseconds more may be started, when not all could be. */
  async #start(service: ServiceRecord, count: number): Promise<number | undefined> {
    const { ecs } = this
    const waitMs = this.#notBeforeMs - ecs.o.clock.monotonicMs()
    if (waitMs > 0) {
      if (!this.#isThrottled && this.#startFailures >= UNTHROTTLED_FAILURES) {
        this.#isThrottled = true
        await this.#tell(service, ['is unable to consistently start tasks successfully.'])
      }
      return waitMs
    }
    const [primary] = service.deployments
    const definition = ecs.findTaskDefinition(primary!.taskDefinitionArn)!
    const started: string[] = []
    for (let i = 0; i < count; i += 1) {
      const task = this.#newTask(service, definition)
      if (await this.agent.launch(task, definition.content)) started.push(task.id)
    }
    const list = started.map((id) => `(task ${id})`).join(' ')
    if (started.length > 0) {
      await this.#tell(service, [`has started ${started.length} tasks: ${list}.`])
    }
    if (started.length === count) return undefined
    this.#startFailures += 1
    this.#notBeforeMs =
      ecs.o.clock.monotonicMs() + Math.max(SHORTEST_LIFE_MS, restartDelayMs(this.#startFailures))
    await this.#tell(service, [
      'was unable to place a task because no container instance met all of its requirements. ' +
        'A port that is required by the task is used by another one.',
    ])
    return SHORTEST_LIFE_MS
  }

  #newTask(service: ServiceRecord, definition: TaskDefinitionRecord): TaskRecord {
    const { cluster, name, launchType, platformVersion, enableExecuteCommand } = service
    const copied = { SERVICE: service.tags, TASK_DEFINITION: definition.tags, NONE: [] }
    return newTask(this.ecs, definition, {
      cluster,
      service: name,
      startedBy: service.deployments[0]!.id,
      launchType,
      ...(platformVersion === undefined ? {} : { platformVersion }),
      enableExecuteCommand,
      tags: copied[service.propagateTags],
    })
  }

  async #tellSteadiness(service: ServiceRecord, tasks: readonly TaskRecord[]): Promise<void> {
    const isSteady =
      service.deployments.length === 1 &&
      tasks.length === service.desiredCount &&
      tasks.every(isSuccess)
    if (isSteady && !this.#isSteady) await this.#tell(service, ['has reached a steady state.'])
    this.#isSteady = isSteady
  }

  async #tell(service: ServiceRecord, messages: readonly string[]): Promise<void> {
    await this.ecs.changeService(service, (before) => withEvents(this.ecs, before, messages))
  }

  async #untilWoken(waitMs: number | undefined, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const late = waitMs === undefined ? woken : this.ecs.o.clock.sleep(waitMs, waiting.signal)
    const settled = late.catch((error: unknown) => {
      if (error !== waiting.signal.reason) throw error
    })
    if (!this.#isWoken && !signal.aborted) await Promise.race([woken, settled])
    waiting.abort()
    this.#isWoken = false
    this.#wake = undefined
  }
}

function stateOf(task: TaskRecord, isCondemned: boolean): Placed['state'] {
  if (task.desiredStatus === 'STOPPED') return 'stopping'
  if (isCondemned) return 'unhealthy'
  return isSuccess(task) ? 'healthy' : 'pending'
}
