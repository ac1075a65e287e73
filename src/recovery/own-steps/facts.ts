import type { OwnStep } from './own-step.ts'
import type { OwnContext } from './perform.ts'

export type Purpose = 'run' | 'check' | 'undo'

/** What a program needs of its surroundings to find itself and others; never a credential. */
const ORDINARY = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const

/** What a step's functions and commands are told of the execution. */
export function factsOf(
  { input, done, execution, step }: OwnContext,
  purpose: Purpose,
): Record<string, string> {
  const { workload } = input
  const isAway = execution.runbook === 'region-failure'
  const database = databaseOf(done)
  return {
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

/**
 * The environment of a step's commands: the facts of the execution, what every program needs, and what the step passes on by
 * name. Nothing else of Lifeboat's own environment, which holds credentials (I12).
 */
export function environmentFor(
  own: OwnStep,
  context: OwnContext,
  purpose: Purpose,
): Record<string, string> {
  const { environment = {} } = context.tools
  const passed = [...ORDINARY, ...own.pass].flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(passed), ...factsOf(context, purpose) }
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
