/**
 * Tests that come free with a runbook: each of its steps run twice, crashed around and failed, in worlds of their own.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { entryPoint } from '../core/entry-point.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import type { CrashOrder, CrashPoint } from './crash-process.ts'
import type { Execution } from './execution.ts'
import { Executions } from './executions.ts'
import type { Json, Runbook, Step } from './runbook.ts'
import { StateDatabase } from './state-database.ts'

/** What a runbook's steps work on, as its tests need it. `World` is JSON: a process that is killed gets it by environment. */
export interface RunbookWorld<World> {
  readonly runbook: Runbook
  /** A fresh one for every case. */
  create(): Promise<World>
  input(world: World): Json
  tools(world: World, around: { database: StateDatabase; executions: Executions }): unknown
  /**
   * What the steps have done, such that doing it twice shows, and alike for two worlds in which the same was done.
   */
  effects(world: World, execution: Execution): Promise<unknown>
  /** Must hold when every step was undone. */
  isUntouched(world: World): Promise<boolean>
  remove(world: World): Promise<void>
  /** Of a step's output, what must be the same whenever it runs; all of it by default. */
  lasting?(step: string, output: Json): Json
}

export interface RunbookTests<World> {
  readonly world: RunbookWorld<World>
  /** The compiled module that exports this world as `world`. */
  readonly module: URL
  /** Of a PostgreSQL for the executions' state. */
  readonly databaseUrl: () => string
  /** For one process that executes. */
  readonly timeoutMs?: number
  /** Which steps to run twice and to fail, where trying all takes too long; all by default. */
  readonly only?: readonly string[]
  /** Where to crash; by default right before and right after the effect of each step, and its undo. */
  readonly crashes?: readonly CrashPoint[]
  /** How many processes are killed there, one after the other, before one may go on; default 1. */
  readonly kills?: number
  /** What the world's `effects` are when nothing disturbs the execution; by default such an execution tells. */
  readonly effects?: unknown
}

const ALL_GATES = ['harm', 'oneWay'] as const

/**
 * Generates, for each step of a runbook: it runs twice with the same result; killed right before or right after its effect,
 * the execution is resumed and completes with each effect done once; killed around its undo, it is resumed and everything is
 * undone; and when it fails, every earlier step is undone, newest first, even when undo runs twice.
 */
export function describeRunbook<World>(runbook: Runbook, o: RunbookTests<World>): void {
  const { world: kit, timeoutMs = 60_000, kills = 1 } = o
  const steps = runbook.steps.filter(({ name }) => o.only?.includes(name) ?? true)
  const names = steps.map(({ name }) => name)
  const around = [...names.flatMap(aroundEffect), ...aroundUndo(runbook)]
  const { crashes = around.filter(({ step }) => names.includes(step)) } = o
  const isOfUndo = ({ when }: CrashPoint) => when === 'beforeUndo' || when === 'afterUndo'
  const places = (points: readonly CrashPoint[]) =>
    points.map((point) => [placeOf(point), point] as const)

  describe(runbook.name, () => {
    const worlds: World[] = []
    let undisturbed = o.effects
    const create = async () => {
      const world = await kit.create()
      worlds.push(world)
      return world
    }
    const remove = async () => {
      for (const world of worlds.splice(0)) await kit.remove(world)
    }
    beforeAll(async () => {
      if (undisturbed !== undefined) return
      const world = await create()
      const run = (executions: Executions) => runToEnd(executions, kit, world)
      undisturbed = await kit.effects(world, await withExecutions(o, kit.runbook, world, run))
      await remove()
    }, timeoutMs)
    afterEach(remove, timeoutMs)

    test.each(names)(
      `'%s' runs twice with the same result`,
      async (name) => {
        const world = await create()
        const results: Json[] = []
        const twice = changed(kit.runbook, name, (step) => ({
          run: async (context) => {
            results.push(await step.run(context), await step.run(context))
            return results[1]!
          },
        }))
        const execution = await withExecutions(o, twice, world, (executions) =>
          runToEnd(executions, kit, world),
        )
        expect(execution.status).toBe('completed')
        const [first, second] = results.map((result) => kit.lasting?.(name, result) ?? result)
        expect(second).toEqual(first)
        expect(await kit.effects(world, execution)).toEqual(undisturbed)
      },
      timeoutMs,
    )

    const crashMs = timeoutMs * (kills + 2)
    const crash = async (world: World, kill: CrashPoint) => {
      const id = `crash-${systemRandom.hex(12)}`
      const order = { module: o.module.href, databaseUrl: o.databaseUrl(), id, world }
      const execute = (more: Pick<CrashOrder<World>, 'kill' | 'resume'>) =>
        inProcess({ ...order, ...more }, timeoutMs)
      const look = () => withExecutions(o, kit.runbook, world, (all) => all.get(id))
      let killed = 0
      let before: Execution | undefined
      for (;;) {
        const resume = killed > 0
        const { signal, output } = await execute(killed < kills ? { kill, resume } : { resume })
        if (signal === null) {
          // A later process may have nothing left to send.
          expect(killed).toBeGreaterThanOrEqual(kill.when === 'during' ? 1 : kills)
          return { before, killed, output, after: await look() }
        }
        expect(signal).toBe('SIGKILL')
        killed += 1
        before = await look()
        expect(before.status).toBe('interrupted')
      }
    }

    test.each(places(crashes.filter((point) => !isOfUndo(point))))(
      'crash %s, then resume: completes with each effect once',
      async (_, kill) => {
        const world = await create()
        const { before, killed, output, after } = await crash(world, kill)
        expect(output).toBe('completed')
        expect(await kit.effects(world, after)).toEqual(undisturbed)
        expect(attemptsOf(after, kill.step)).toBe(killed + 1)
        for (const { name, status, attempts } of before?.steps ?? []) {
          if (status === 'completed') expect(attemptsOf(after, name)).toBe(attempts.length)
        }
      },
      crashMs,
    )

    test.each(places(crashes.filter(isOfUndo)))(
      'crash %s, then resume: everything is undone',
      async (_, kill) => {
        const world = await create()
        expect(await crash(world, kill)).toMatchObject({ output: 'canceled' })
        expect(await kit.isUntouched(world)).toBe(true)
      },
      crashMs,
    )

    test.each(names)(
      `failure at '%s': what was done is undone, newest first, even when undo runs twice`,
      async (name) => {
        const world = await create()
        const undone: string[] = []
        const failing = undoingTwice(
          changed(kit.runbook, name, () => ({ run: fail })),
          undone,
        )
        await withExecutions(o, failing, world, async (executions) => {
          const id = await executions.start(runbook.name, kit.input(world), {
            autoApprove: ALL_GATES,
          })
          const paused = await executions.waitFor(
            id,
            ({ status, steps: all }) =>
              status === 'pausedByFailedStep' && all.every((step) => step.status !== 'running'),
          )
          const isForwardOnly = paused.steps.some(
            (step) => step.attempts.length > 0 && gateOf(runbook, step.name) === 'oneWay',
          )
          const cancel = executions.cancel(id, { by: 'test' })
          if (isForwardOnly) {
            await expect(cancel).rejects.toMatchObject({ code: 'ExecutionNotWaiting' })
            expect(undone).toEqual([])
            return
          }
          await cancel
          const ended = await executions.waitFor(id, 'end')
          expect(ended.status).toBe('canceled')
          expect(undone).toEqual(newestFirst(paused, runbook))
          expect(await kit.isUntouched(world)).toBe(true)
        })
      },
      timeoutMs,
    )
  })
}

function aroundEffect(step: string): CrashPoint[] {
  return [
    { step, when: 'before' },
    { step, when: 'after' },
  ]
}

/** Of each step that comes before the one-way gate, where an execution can be canceled last, and that can be undone. */
export function aroundUndo({ steps }: Runbook): CrashPoint[] {
  const before = (name: string): string[] => {
    const after = steps.find((step) => step.name === name)?.after ?? []
    return [...after.flatMap(before), ...after]
  }
  const done = steps
    .filter(({ gate }) => gate?.kind === 'oneWay')
    .flatMap(({ name }) => before(name))
  return steps
    .filter(({ name, undo }) => done.includes(name) && typeof undo === 'function')
    .flatMap(({ name: step }) => [
      { step, when: 'beforeUndo' },
      { step, when: 'afterUndo' },
    ])
}

/** A crash point in words. */
export function placeOf(point: CrashPoint): string {
  if (point.when === 'beforeUndo') return `right before '${point.step}' is undone`
  if (point.when === 'afterUndo') return `right after '${point.step}' is undone`
  if (point.when !== 'during') return `right ${point.when} '${point.step}'`
  return `in '${point.step}', having sent /${point.sent}/`
}

/** The runbook with one step changed; types of a runbook are forgotten by the executor anyway. */
export function changed(
  runbook: Runbook,
  name: string,
  change: (step: Step) => Partial<Step>,
): Runbook {
  const steps = runbook.steps.map((step) =>
    step.name === name ? { ...step, ...change(step) } : step,
  )
  return { ...runbook, steps }
}

function undoingTwice(runbook: Runbook, undone: string[]): Runbook {
  const steps = runbook.steps.map((step): Step => {
    const { undo } = step
    if (typeof undo !== 'function') return step
    return {
      ...step,
      undo: async (context) => {
        await undo(context)
        await undo(context)
        undone.push(step.name)
      },
    }
  })
  return { ...runbook, steps }
}

async function fail(): Promise<never> {
  throw new LifeboatError('RestoreNotVerified', 'it was told to fail')
}

async function withExecutions<World, Result>(
  { databaseUrl, world: kit }: RunbookTests<World>,
  runbook: Runbook,
  world: World,
  work: (executions: Executions) => Promise<Result>,
): Promise<Result> {
  const database = await StateDatabase.open(databaseUrl())
  const tools = () => kit.tools(world, { database, executions })
  const executions = await Executions.open({ database, runbooks: [runbook], tools })
  try {
    return await work(executions)
  } finally {
    await executions.close()
    await database.close()
  }
}

async function runToEnd<World>(
  executions: Executions,
  kit: RunbookWorld<World>,
  world: World,
): Promise<Execution> {
  const options = { autoApprove: ALL_GATES }
  const id = await executions.start(kit.runbook.name, kit.input(world), options)
  return executions.waitFor(
    id,
    ({ status }) => status === 'pausedByFailedStep' || status === 'pendingApproval',
  )
}

/** Runs or resumes the execution in a process of its own, which ends by SIGTERM when it takes too long. */
export function inProcess<World>(order: CrashOrder<World>, timeoutMs: number) {
  const program = fileURLToPath(entryPoint(import.meta.url, './crash-process.ts'))
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', LIFEBOAT_CRASH: JSON.stringify(order) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: timeoutMs,
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  return new Promise<{ signal: NodeJS.Signals | null; output: string }>((resolve) =>
    child.once('close', (_, signal) => resolve({ signal, output })),
  )
}

function attemptsOf({ steps }: Execution, name: string): number {
  return steps.find((step) => step.name === name)!.attempts.length
}

function gateOf({ steps }: Runbook, name: string) {
  return steps.find((step) => step.name === name)?.gate?.kind
}

function newestFirst({ steps }: Execution, runbook: Runbook): string[] {
  const canUndo = (name: string) =>
    typeof runbook.steps.find((step) => step.name === name)?.undo === 'function'
  return steps
    .filter(({ name, status }) => status === 'completed' && canUndo(name))
    .sort((a, b) => Number(b.attempts.at(-1)!.endedAt) - Number(a.attempts.at(-1)!.endedAt))
    .map(({ name }) => name)
}
