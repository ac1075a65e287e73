/**
 * What operators decide, from whichever process: written to the journal under the execution's lock, and heeded by the process
 * that executes.
 */
import { LifeboatError } from '../core/errors.ts'
import type { Journal } from './journal.ts'
import type { JournalEdit } from './journal-edit.ts'
import { type ExecutionRecord, isLive, type StepState } from './record.ts'
import { cancelRefusal, statusOf } from './rules.ts'

export async function approve(
  journal: Journal,
  id: string,
  { by, step }: { by: string; step?: string },
): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    const waiting = record.steps.filter(({ status }) => status === 'pendingApproval')
    const gate = theOne(record, waiting, step, 'waits for approval')
    await edit.gateOpens(gate.name, by)
    await edit.step(gate.name, { status: 'notStarted' })
    await edit.event('gateApproved', `approved by ${by}`, gate.name)
  })
}

export async function pause(journal: Journal, id: string): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    if (record.cancel) throw notWaiting(record, 'it is being canceled')
    if (record.isPaused) return
    await edit.execution({ is_paused: true })
    await edit.event('paused', 'paused')
  })
}

/** @throws LifeboatError `ExecutionNotWaiting` when it neither is paused nor has lost its process */
export async function unpause(journal: Journal, id: string): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    if (record.isPaused) {
      await edit.execution({ is_paused: false })
      await edit.event('resumed', 'resumed')
    } else if (isLive(record)) {
      throw notWaiting(record, `nothing holds it back: it is ${statusOf(record, true)}`)
    }
  })
}

export async function retry(journal: Journal, id: string): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    for (const step of failedSteps(record)) {
      if (record.cancel) await edit.step(step.name, { status: 'completed', undo: 'pending' })
      else await edit.step(step.name, { status: 'notStarted' })
      await edit.event('retried', 'a person asked for another try', step.name)
    }
  })
}

export async function skip(
  journal: Journal,
  id: string,
  o: { reason: string; by: string; step?: string },
): Promise<void> {
  const reason = o.reason.trim()
  if (reason === '') {
    throw new LifeboatError('InvalidUsage', 'a step is skipped for a reason', {
      hint: 'Say why: it is kept with the execution.',
    })
  }
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    const step = theOne(record, failedSteps(record), o.step, 'has failed')
    if (record.cancel) {
      const left = `${step.reason}; left as it is by ${o.by}: ${reason}`
      await edit.step(step.name, { undo: 'abandoned', reason: left })
    } else {
      await edit.step(step.name, { status: 'skipped', reason: `${reason} (skipped by ${o.by})` })
    }
    await edit.event('skipped', `${reason} (${o.by})`, step.name)
  })
}

export async function cancel(journal: Journal, id: string, { by }: { by: string }): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    if (record.cancel) return
    const refusal = cancelRefusal(record)
    if (refusal) throw notWaiting(record, refusal)
    await edit.execution({ cancel: { by, outcome: 'canceled' }, is_paused: false })
    await edit.event('canceled', `canceled by ${by}`)
  })
}

/**
 * Makes a process the one that executes, when nobody else does. What was in the middle of something begins again.
 *
 * @param o.isOurs  it is that already, and has stood still
 * @throws LifeboatError `ExecutionNotWaiting` when somebody executes it
 */
export async function adopt(
  journal: Journal,
  id: string,
  executor: string,
  { isOurs }: { isOurs: boolean },
): Promise<void> {
  await journal.change(id, async (record, edit) => {
    refuseEnded(record)
    if (isLive(record) && !(isOurs && record.executor?.id === executor)) {
      const { pid, host } = record.executor!
      throw notWaiting(record, `process ${pid} on ${host} executes it`)
    }
    await edit.execution({ executor })
    await edit.event('adopted', `taken over from ${record.executor?.id ?? 'nobody'}`)
    const silentMs = 1000 * (record.executor?.heartbeatAgeSeconds ?? 0)
    const goneAt = new Date(edit.at.getTime() - silentMs)
    for (const step of record.steps) await beginAgain(step, edit, goneAt)
  })
}

async function beginAgain(
  { name, status, gate }: StepState,
  edit: JournalEdit,
  goneAt: Date,
): Promise<void> {
  const failure = { code: 'Interrupted', message: 'the process that ran it is gone' }
  await edit.attemptsEnd(name, failure, goneAt)
  // A gate that nobody has opened asks again, as what it costs has changed.
  const asksAgain = status === 'pendingApproval' && !gate?.approvedAt
  if (status === 'running' || asksAgain) await edit.step(name, { status: 'notStarted' })
}

/** Failed to be done, or while canceling failed to be undone. */
function failedSteps(record: ExecutionRecord): StepState[] {
  const failed = record.steps.filter(({ status, undo }) =>
    record.cancel ? undo === 'failed' : status === 'failed',
  )
  if (failed.length === 0) throw notWaiting(record, 'no step of it waits after a failure')
  return failed
}

function theOne(
  record: ExecutionRecord,
  candidates: readonly StepState[],
  name: string | undefined,
  what: string,
): StepState {
  const [first, ...more] = name ? candidates.filter((step) => step.name === name) : candidates
  if (!first) throw notWaiting(record, name ? `'${name}' is none that ${what}` : `none ${what}`)
  if (more.length === 0) return first
  const names = candidates.map((step) => `'${step.name}'`).join(', ')
  throw notWaiting(record, `more than one step ${what}: ${names}`, 'Name one of them with --step.')
}

function refuseEnded(record: ExecutionRecord): void {
  if (record.outcome) throw notWaiting(record, `it has ended: ${record.outcome}`)
}

function notWaiting({ id }: ExecutionRecord, reason: string, hint?: string): LifeboatError {
  return new LifeboatError('ExecutionNotWaiting', `execution '${id}' cannot do that: ${reason}`, {
    hint: hint ?? `Look at it with 'lifeboat execution show ${id}'.`,
  })
}
