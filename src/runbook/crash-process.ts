import type { RunbookWorld } from './crash-tests.ts'
import { Executions } from './executions.ts'
import type { Runbook, Step } from './runbook.ts'
import { StateDatabase } from './state-database.ts'

/** What this program is told by its environment, as JSON. */
export interface CrashOrder<World> {
  readonly module: string
  readonly databaseUrl: string
  readonly id: string
  readonly world: World
  /** Starts the execution and kills this process there; without it the execution is resumed. */
  readonly kill?: { readonly step: string; readonly when: 'before' | 'after' }
}

/** Runs an execution in a process of its own, which may be killed: prints how it ended. */
async function main({ module, databaseUrl, id, world, kill }: CrashOrder<unknown>): Promise<void> {
  const { world: kit } = (await import(module)) as { world: RunbookWorld<unknown> }
  const database = await StateDatabase.open(databaseUrl)
  const runbook = kill ? killing(kit.runbook, kill) : kit.runbook
  const tools = () => kit.tools(world)
  const executions = await Executions.open({ database, runbooks: [runbook], tools })
  const autoApprove = ['harm', 'oneWay'] as const
  if (kill) await executions.start(runbook.name, kit.input(world), { id, autoApprove })
  else await executions.resume(id)
  const { status } = await executions.waitFor(id, (now) => now.status === 'pausedByFailedStep')
  process.stdout.write(status)
  await executions.close()
  await database.close()
}

/** SIGKILL leaves no time for anything: what was not written is lost. */
function killing(runbook: Runbook, { step: name, when }: NonNullable<CrashOrder<unknown>['kill']>) {
  const steps = runbook.steps.map((step): Step => {
    if (step.name !== name) return step
    return {
      ...step,
      run: async (context) => {
        if (when === 'before') process.kill(process.pid, 'SIGKILL')
        const output = await step.run(context)
        process.kill(process.pid, 'SIGKILL')
        return output
      },
    }
  })
  return { ...runbook, steps }
}

await main(JSON.parse(process.env.LIFEBOAT_CRASH ?? '{}'))
