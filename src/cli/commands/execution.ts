import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import type { Workload } from '../../recovery/recovery.ts'
import type { Elsewhere, Execution, ExecutionsApi } from '../../runbook/execution.ts'
import type { Json } from '../../runbook/runbook.ts'
import { describeExecution, listExecutions } from '../execution-view.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { operator } from '../operator.ts'
import { sendCommand, updatesCommand } from './execution-updates.ts'

/** `lifeboat execution …`: look at runs of runbooks, and decide what they wait for. */
export function executionCommand(around: Surroundings): Command {
  const command = new Command('execution').description(
    'look at executions and decide what they wait for',
  )
  command.addCommand(
    withExitCodes(
      new Command('list').description('all executions, the latest first').action(
        action(around, (invocation) =>
          withApi(invocation, { isLong: false }, async (api) => {
            const executions = await api.list()
            const text = listExecutions(executions, invocation.clock.now())
            invocation.output.result({ executions }, text)
          }),
        ),
      ),
      ['StateUnreachable'],
    ),
  )
  for (const verb of VERBS) command.addCommand(verbCommand(around, verb))
  command.addCommand(updatesCommand(around))
  command.addCommand(sendCommand(around))
  return command
}

interface Verb {
  readonly name: string
  readonly description: string
  readonly options?: readonly [flags: string, description: string][]
  readonly needs?: [flags: string, description: string]
  /** What it is told beside the execution: the name of a step. */
  readonly argument?: 'step'
  /** Undefined only looks. */
  readonly act?: (api: ExecutionsApi, id: string, o: VerbOptions & { by: string }) => Promise<void>
  /** It may be told of an execution that another machine has. */
  readonly takesOver?: true
}

interface VerbOptions {
  readonly step?: string
  readonly reason?: string
  readonly takeOver?: string
  readonly workload?: string
  readonly elsewhere?: Elsewhere
  readonly yes?: boolean
}

const cancel: NonNullable<Verb['act']> = (api, id, { by }) => api.cancel(id, { by })

const VERBS: readonly Verb[] = [
  { name: 'show', description: 'its steps, what they did and what it waits for' },
  {
    name: 'approve',
    description: 'open the gate at which it waits',
    options: [['--step <name>', 'only if it is this step that waits']],
    act: (api, id, { by, step }) => api.approve(id, step ? { by, step } : { by }),
  },
  {
    name: 'confirm',
    description: 'say that you have done what it asks a person to do',
    argument: 'step',
    act: async (api, id, { by, step = '' }) => {
      const waiting = (await api.get(id)).steps.find(({ name }) => name === step)
      if (waiting?.status !== 'pendingApproval' || waiting.gate?.kind !== 'manual') {
        throw new LifeboatError('ExecutionNotWaiting', `'${id}' asks nobody to do '${step}' now`, {
          hint: `Look at it with 'lifeboat execution show ${id}'.`,
        })
      }
      await api.approve(id, { by, step })
    },
  },
  {
    name: 'pause',
    description: 'begin no further step',
    act: (api, id) => api.pause(id),
  },
  {
    name: 'resume',
    description:
      'go on after a pause, or after Lifeboat itself was killed, here or on another machine',
    options: [
      ['--take-over <why>', 'take the lock of the workload away from another Lifeboat'],
      ['--workload <file>', 'whose lock it is, when another machine began it'],
    ],
    takesOver: true,
    act: (api, id, { takeOver, elsewhere }) =>
      api.resume(id, {
        ...(takeOver !== undefined && { takeOver }),
        ...(elsewhere && { elsewhere }),
      }),
  },
  {
    name: 'retry',
    description: 'try the failed step again',
    act: (api, id) => api.retry(id),
  },
  {
    name: 'skip',
    description: 'go on without the failed step; the result is then unproven',
    options: [['--step <name>', 'which one, where more than one has failed']],
    needs: ['--reason <why>', 'kept with the execution and in the incident document'],
    act: (api, id, { reason = '', by, step }) =>
      api.skip(id, step ? { reason, by, step } : { reason, by }),
  },
  {
    name: 'cancel',
    description: 'stop, and undo what was done; not after the one-way gate',
    act: cancel,
  },
]

function verbCommand(around: Surroundings, verb: Verb): Command {
  const { name, description, options: flags = [], needs, argument, act } = verb
  const command = new Command(name)
    .description(description)
    .argument('<id>', 'as `execution list` shows it')
  if (argument) command.argument(`<${argument}>`, 'as `execution show` names it')
  for (const flag of flags) command.option(...flag)
  if (needs) command.requiredOption(...needs)
  if (act) command.option('--yes', 'open further gates without asking')
  command.action(
    action(around, (invocation, given: VerbOptions, id = '', step?: string) =>
      withApi(invocation, { isLong: !!act }, async (api) => {
        const options = argument && step !== undefined ? { ...given, step } : given
        if (act) await decide(invocation, api, { id, verb: { ...verb, act }, options })
        show(invocation, await api.get(id))
      }),
    ),
  )
  return withExitCodes(command, CODES)
}

interface Decision {
  readonly id: string
  readonly verb: Verb & Required<Pick<Verb, 'act'>>
  readonly options: VerbOptions
}

/**
 * Tells an execution what was decided. One whose process is gone is taken up by this one, which then shows it
 * until it has ended or waits again.
 */
async function decide(
  invocation: Invocation,
  api: ExecutionsApi,
  { id, verb: { act, takesOver }, options }: Decision,
): Promise<void> {
  const elsewhere = takesOver && (await elsewhereOf(invocation, api, id, options))
  const isOrphaned = elsewhere !== undefined || !(await api.get(id)).isLive
  const by = operator(invocation.environment)
  await act(api, id, { ...options, by, ...(elsewhere && { elsewhere }) })
  if (!isOrphaned) return
  const { followToRest } = await import('../follow-to-rest.ts')
  const wanted = act === cancel ? 'canceled' : 'completed'
  await followToRest(api, id, invocation, { ...options, wanted })
}

/** What a machine that takes over says of an execution; undefined when it does not, or nothing is known of the workload. */
async function elsewhereOf(
  { home }: Invocation,
  api: ExecutionsApi,
  id: string,
  { takeOver, workload: file }: VerbOptions,
): Promise<Elsewhere | undefined> {
  if (takeOver === undefined) return undefined
  const known = (await api.list()).find((execution) => execution.id === id)
  const { readWorkload } = await import('../../recovery/recovery.ts')
  const { keptHere } = await import('../recover-workload.ts')
  const workload = known
    ? (known.input as { workload?: Workload }).workload
    : await readWorkload(file ?? 'lifeboat.yaml')
  if (!workload) return undefined
  const { incidentFolder, ledger = null } = keptHere(home, workload)
  return {
    input: { workload: workload as unknown as Json },
    here: { incidentFolder, ledger: ledger as unknown as Json },
  }
}

async function withApi(
  invocation: Invocation,
  { isLong }: { isLong: boolean },
  work: (api: ExecutionsApi) => Promise<void>,
): Promise<void> {
  const { withExecutive } = await import('../executive.ts')
  await withExecutive(invocation, { isLong }, ({ executions }) => work(executions))
}

function show({ output, clock }: Invocation, execution: Execution): void {
  output.result(execution, describeExecution(execution, clock.now()))
}

const CODES = [
  'ExecutionNotFound',
  'ExecutionNotWaiting',
  'ExecutionLocked',
  'ApprovalRequired',
  'StepFailed',
  'ExecutionCanceled',
  'InvalidUsage',
  'StateDamaged',
  'RegionUnreachable',
  'StateUnreachable',
] as const
