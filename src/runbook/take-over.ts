import { LifeboatError } from '../core/errors.ts'
import type { Elsewhere } from './execution.ts'
import type { LockHolder } from './execution-lock.ts'
import type { Journal } from './journal.ts'
import { refuseOther } from './journal-copy.ts'
import type { Locks } from './locks.ts'
import { isLive } from './record.ts'

/**
 * Brings an execution of another machine into this journal, from what that has left with the lock, for the reason `why`. The lock
 * comes first: who had it writes nothing after that. Nobody executes it then.
 *
 * @returns false when no other machine has it, and nothing was done
 * @throws LifeboatError `ExecutionNotWaiting` when it has ended there; `ExecutionNotFound` when it has left nothing; what
 *   `refuseOther` and `ExecutionLock.acquire` throw
 */
export async function bringHere(
  { journal, locks }: { journal: Journal; locks: Locks },
  id: string,
  { why, elsewhere, signal }: { why: string; elsewhere: Elsewhere; signal: AbortSignal },
): Promise<boolean> {
  const { input } = elsewhere
  const holder = await locks.holder(input)
  if (holder?.execution !== id || holder.journal === journal.id) return false
  if (holder.isReleased) throw await endHere(journal, holder)
  const { runbook, owns, copy } = holder
  if (copy === undefined) throw nothingLeft(holder)
  // Before the lock is taken away for nothing.
  refuseOther(copy, id, input)
  const claim = { id, runbook, input, owns, takeOver: why, isElsewhere: true }
  const held = await locks.claim(claim, signal)
  try {
    if (held?.found === undefined) throw nothingLeft(holder)
    await journal.restore(id, held.found, { ...elsewhere, owns, lock: held.record })
    locks.restored(id)
    return true
  } catch (error) {
    await locks.park(id)
    throw error
  }
}

/** What has ended on another machine stands in nobody's way here, and how it ended is told there. */
async function endHere(
  journal: Journal,
  { execution: id, host }: LockHolder,
): Promise<LifeboatError> {
  const message = `execution '${id}' has ended on ${host}, where it was gone on with`
  const known = (await journal.list()).find((record) => record.id === id)
  if (known && !known.outcome && !isLive(known)) {
    await journal.change(id, async (record, edit) => {
      if (record.outcome) return
      await edit.execution({ outcome: 'canceled', ended_at: edit.at, executor: null })
      await edit.event('ended', `${message}: this machine does not know how`)
    })
  }
  return new LifeboatError('ExecutionNotWaiting', message, {
    hint: `Look at it there: lifeboat execution show ${id}`,
  })
}

function nothingLeft({ execution, runbook }: LockHolder): LifeboatError {
  return new LifeboatError('ExecutionNotFound', `'${execution}' has left nothing to go on with`, {
    hint: `It had begun nothing. Begin anew: lifeboat runbook run ${runbook} --take-over WHY`,
  })
}
