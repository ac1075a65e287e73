import type { OwnStep } from './own-step.ts'
import type { OwnContext } from './perform.ts'

/** What a program needs of its surroundings to find itself and others; never a credential. */
const ORDINARY = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const

/**
 * The environment of a step's commands: the facts of the execution, what every program needs, and what the step passes on by
 * name. Nothing else of Lifeboat's own environment, which holds credentials (I12).
 */
export function factsFor(
  own: OwnStep,
  { input, done, tools, execution, step }: OwnContext,
  purpose: 'run' | 'check' | 'undo',
): Record<string, string> {
  const { environment = {} } = tools
  const { workload } = input
  const passed = [...ORDINARY, ...own.pass].flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const isAway = execution.runbook === 'region-failure'
  const database = databaseOf(done)
  return {
    ...Object.fromEntries(passed),
    LIFEBOAT_EXECUTION: execution.id,
    LIFEBOAT_RUNBOOK: execution.runbook,
    LIFEBOAT_STEP: step,
    LIFEBOAT_PURPOSE: purpose,
    LIFEBOAT_WORKLOAD: workload.name,
    LIFEBOAT_REGION: (isAway && workload.recoveryRegion) || workload.region,
    ...(database && {
      LIFEBOAT_DATABASE_INSTANCE: database.instance,
      LIFEBOAT_DATABASE_HOST: database.endpoint.host,
      LIFEBOAT_DATABASE_PORT: String(database.endpoint.port),
    }),
  }
}

interface Recovered {
  readonly instance: string
  readonly endpoint: { readonly host: string; readonly port: number }
}

/** The database that the recovery has brought up, once there is one and the step comes after it. */
function databaseOf(done: OwnContext['done']): Recovered | undefined {
  const name = ['promote', 'restore'].find((one) => one in done)
  return name === undefined ? undefined : (done[name] as unknown as Recovered)
}
