import type { FunctionAnswer } from '../../aws/functions.ts'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { findCommands } from '../../probe/command.ts'
import { hasBegun } from '../../runbook/failure.ts'
import type { Json, StepContext } from '../../runbook/runbook.ts'
import type { RecoveryTools } from '../runbooks/data-corruption/tools.ts'
import type { Workload } from '../workload.ts'
import { attemptDoing, type DoingSurroundings } from './doing.ts'
import { environmentFor, factsOf, type Purpose } from './facts.ts'
import { type Doing, type LambdaDoing, type OwnStep, regionOf } from './own-step.ts'

export type OwnContext = StepContext<
  { readonly workload: Workload },
  Record<string, Json>,
  RecoveryTools
>

/** What a step of the user's own has come to. */
export type Reached = {
  /** Checked: its check held. Attested: a person says so. Unknown: it ended well, and nothing looked. */
  readonly reached: 'checked' | 'attested' | 'unknown'
}

const CHECK_EVERY_MS = 2_000
const CHECK_LIMIT_MS = 30_000

/**
 * Does the work of a step, and then waits until its check holds.
 *
 * @throws LifeboatError `StepFailed` with the end of what was said, `StepDeadlineExceeded`; `StepFailed` too when Lifeboat died
 * in the middle of what must not happen twice
 */
export async function perform(own: OwnStep, context: OwnContext): Promise<Reached> {
  const { does, check } = own
  if (does.kind !== 'manual') {
    await settleFormerTry(own, context)
    const failure = await attemptDoing(does, surroundingsOf(own, context, 'run'))
    if (failure !== undefined) throw failed(own, failure, context.signal)
  }
  if (check) {
    await untilHolds(own, check, context)
    return { reached: 'checked' }
  }
  return { reached: does.kind === 'manual' ? 'attested' : 'unknown' }
}

/** Takes the effect of a step back. */
export async function takeBack(own: OwnStep, undo: Doing, context: OwnContext): Promise<void> {
  const failure = await attemptDoing(undo, surroundingsOf(own, context, 'undo'))
  if (failure !== undefined) throw failed(own, failure, context.signal)
}

async function untilHolds(own: OwnStep, check: Doing, context: OwnContext): Promise<void> {
  const { tools, signal, progress } = context
  const { clock } = tools
  for (let tries = 1; ; tries++) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(CHECK_LIMIT_MS)])
    const around = { ...surroundingsOf(own, context, 'check'), signal: limited }
    const failure = await attemptDoing(check, around)
    if (failure === undefined) return
    progress(`its check does not hold yet, after ${tries} tries`)
    await clock.sleep(CHECK_EVERY_MS, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason
    })
    if (signal.aborted) throw failed(own, `its check does not hold: ${failure}`, signal)
  }
}

function failed({ name, owner }: OwnStep, why: string, signal: AbortSignal): LifeboatError {
  const code = signal.aborted ? 'StepDeadlineExceeded' : 'StepFailed'
  const late = signal.aborted ? ' was not done in time' : ''
  return new LifeboatError(code, `'${name}'${late}: ${why}`, { hint: `Ask ${owner}.` })
}

/**
 * A try before this one may have been cut off in its middle. What may happen twice happens again, when what is left of the
 * former try has been ended; of what may not, a person is asked once: who then says `retry` has looked.
 */
async function settleFormerTry(own: OwnStep, context: OwnContext): Promise<void> {
  const { tools, execution, step } = context
  const { steps } = await tools.journal(execution.id)
  const { attempts } = steps.find(({ name }) => name === step)!
  const former = attempts.slice(0, -1).findLast(hasBegun)?.error
  const left = await findCommands({ LIFEBOAT_EXECUTION: execution.id, LIFEBOAT_STEP: step })
  const wasCutOff = (former as { code?: string } | undefined)?.code === 'Interrupted'
  if (wasCutOff && !own.isIdempotent) {
    const still = left.length > 0 ? ` and still runs as process ${left.join(', ')}` : ''
    throw new LifeboatError(
      'StepFailed',
      `'${step}' was begun${still}, and it is not known what it has done, as Lifeboat died meanwhile`,
      {
        hint: `Ask ${own.owner}: retry it when it has not done its work, or skip it with a reason when it has.`,
      },
    )
  }
  for (const pid of left) endLeftOver(pid)
}

function endLeftOver(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function surroundingsOf(own: OwnStep, context: OwnContext, purpose: Purpose): DoingSurroundings {
  const { environment = {}, knownSecrets = [] } = context.tools
  const passed = own.pass.flatMap((name) => environment[name] ?? [])
  return {
    environment: environmentFor(own, context, purpose),
    invoke: (doing, signal) => invokeIn(context, doing, { purpose, signal }),
    ...(own.folder !== undefined && { folder: own.folder }),
    secrets: [...knownSecrets, ...passed],
    signal: context.signal,
  }
}

async function invokeIn(
  context: OwnContext,
  doing: LambdaDoing,
  { purpose, signal }: { purpose: Purpose; signal: AbortSignal },
): Promise<FunctionAnswer> {
  const { workload } = context.input
  const { name, payload } = doing
  const where = regionOf(doing, workload)
  assert(where, 'a workload with a function of its recovery region has one')
  const { functions } = await context.tools.reach(where)
  return await functions.invoke(name, {
    custom: factsOf(context, purpose),
    signal,
    ...(payload !== undefined && { payload: JSON.stringify(payload) }),
  })
}
