import { Socket } from 'node:net'
import type { RunbookWorld } from './crash-tests.ts'
import type { Execution } from './execution.ts'
import { Executions } from './executions.ts'
import type { Runbook, Step } from './runbook.ts'
import { StateDatabase } from './state-database.ts'

/** Where a process is killed: around a step's effect, or inside it, once it has sent something to the outside. */
export type CrashPoint =
  | { readonly step: string; readonly when: 'before' | 'after' }
  /** Canceled at the one-way gate. */
  | { readonly step: string; readonly when: 'beforeUndo' | 'afterUndo' }
  /** `sent` is the source of a regular expression; no answer is waited for. */
  | { readonly step: string; readonly when: 'during'; readonly sent: string }

/** What this program is told by its environment, as JSON. */
export interface CrashOrder<World> {
  readonly module: string
  readonly databaseUrl: string
  readonly id: string
  readonly world: World
  /** Resumes the execution; without it, it is started. */
  readonly resume?: boolean
  /** Kills this process there. */
  readonly kill?: CrashPoint
}

/** Where an execution rests that should have gone on. */
const STUCK: readonly Execution['status'][] = ['pausedByFailedStep', 'interrupted']

/** Runs an execution in a process of its own, which may be killed: prints how it ended. */
async function main(order: CrashOrder<unknown>): Promise<void> {
  const { module, databaseUrl, id, world, kill, resume = false } = order
  const { world: kit } = (await import(module)) as { world: RunbookWorld<unknown> }
  const database = await StateDatabase.open(databaseUrl)
  const runbook = kill ? killing(kit.runbook, kill) : kit.runbook
  const tools = () => kit.tools(world, { database, executions })
  const executions = await Executions.open({ database, runbooks: [runbook], tools })
  const isUndone = kill?.when === 'beforeUndo' || kill?.when === 'afterUndo'
  const autoApprove = isUndone ? (['harm'] as const) : (['harm', 'oneWay'] as const)
  if (resume) await executions.resume(id)
  else await executions.start(runbook.name, kit.input(world), { id, autoApprove })
  if (isUndone && !resume) {
    await executions.waitFor(id, (now) => now.status === 'pendingApproval')
    await executions.cancel(id, { by: 'test' })
  }
  const isStuck = (now: Execution) => STUCK.includes(now.status)
  const { status } = await executions.waitFor(id, isStuck)
  process.stdout.write(status)
  await executions.close()
  await database.close()
}

function killing(runbook: Runbook, point: CrashPoint): Runbook {
  const steps = runbook.steps.map((step): Step => {
    if (step.name !== point.step) return step
    const { undo } = step
    return {
      ...step,
      run: async (context) => {
        if (point.when === 'before') die()
        const stop = point.when === 'during' ? dieHavingSent(new RegExp(point.sent)) : () => {}
        const output = await step.run(context)
        stop()
        if (point.when === 'after') die()
        return output
      },
      undo:
        typeof undo !== 'function'
          ? undo
          : async (context) => {
              if (point.when === 'beforeUndo') die()
              await undo(context)
              if (point.when === 'afterUndo') die()
            },
    }
  })
  return { ...runbook, steps }
}

/** SIGKILL leaves no time for anything: what was not written is lost. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Dies as soon as the kernel has a message that matches, from whichever socket; returns what prevents it. */
function dieHavingSent(pattern: RegExp): () => void {
  const { write } = Socket.prototype
  Socket.prototype.write = function (this: Socket, data: string | Uint8Array, ...rest: unknown[]) {
    const isIt = pattern.test(Buffer.from(data as Uint8Array).toString('latin1'))
    const isTaken = Reflect.apply(write, this, [data, ...rest])
    // Written in order, so that all before an empty message has left this process.
    if (isIt) Reflect.apply(write, this, ['', 'latin1', die])
    return isTaken
  } as Socket['write']
  return () => {
    Socket.prototype.write = write
  }
}

await main(JSON.parse(process.env.LIFEBOAT_CRASH ?? '{}'))
