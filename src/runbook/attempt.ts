import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'

/** What a try came to. */
export type Outcome<Result> =
  | { readonly kind: 'completed'; readonly result: Result }
  | {
      readonly kind: 'failed'
      readonly error: unknown
      readonly isDeadline: boolean
      /** The body heeded no signal; what it still does is not known. */
      readonly isStillRunning: boolean
    }
  /** It was told to stop, and did, or nobody waits for it any more. */
  | { readonly kind: 'stopped' }

/** How long a body that was told to stop may take to do so after its deadline. */
const GRACE_SECONDS = 5

/**
 * Runs a body until it ends, or until its deadline and a grace have passed (I16).
 *
 * A body that ends well has done its work, also when it does so late or after it was told to stop: what is true is recorded.
 *
 * @param o.abandon  ends the waiting: this process ends
 * @param o.stop  tells the body to stop; it is waited for all the same, as what it does cannot be undone while it does it
 */
export async function attempt<Result>(
  body: (signal: AbortSignal) => Promise<Result>,
  o: {
    clock: Clock
    deadlineSeconds: number
    stop: AbortSignal
    abandon?: AbortSignal
    what: string
    graceSeconds?: number
  },
): Promise<Outcome<Result>> {
  const { clock, deadlineSeconds, stop, graceSeconds = GRACE_SECONDS } = o
  if (stop.aborted || o.abandon?.aborted) return { kind: 'stopped' }
  const late = new LifeboatError(
    'StepDeadlineExceeded',
    `${o.what} took over ${deadlineSeconds} s`,
    {
      hint: 'Retry it, skip it with a reason, or cancel the execution.',
    },
  )
  const deadline = new AbortController()
  const ended = new AbortController()
  const onAbandon = () => ended.abort()
  o.abandon?.addEventListener('abort', onAbandon, { once: true })
  const settled = settle(body, AbortSignal.any([deadline.signal, stop]))
  const overdue = clock
    .sleep(deadlineSeconds * 1000, ended.signal)
    .then(() => deadline.abort(late))
    .then(() => clock.sleep(graceSeconds * 1000, ended.signal))
    .then(() => 'overdue' as const)
    .catch((error: unknown) => {
      if (!o.abandon?.aborted) throw error
      return 'abandoned' as const
    })
  try {
    const first = await Promise.race([settled, overdue])
    if (first === 'abandoned') return { kind: 'stopped' }
    if (first === 'overdue') {
      const error = new LifeboatError(
        'StepDeadlineExceeded',
        `${late.message}, and does not stop`,
        {
          hint: 'Find out what it still does before you retry it.',
        },
      )
      return { kind: 'failed', error, isDeadline: true, isStillRunning: true }
    }
    if ('result' in first) return { kind: 'completed', result: first.result }
    if (deadline.signal.aborted) {
      // A body that heeds the deadline may know better what it waited for.
      const error = isLate(first.error) ? first.error : late
      return { kind: 'failed', error, isDeadline: true, isStillRunning: false }
    }
    if (stop.aborted) return { kind: 'stopped' }
    return { kind: 'failed', error: first.error, isDeadline: false, isStillRunning: false }
  } finally {
    o.abandon?.removeEventListener('abort', onAbandon)
    ended.abort()
  }
}

function isLate(error: unknown): boolean {
  return error instanceof LifeboatError && error.code === 'StepDeadlineExceeded'
}

async function settle<Result>(
  body: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<{ result: Result } | { error: unknown }> {
  try {
    return { result: await body(signal) }
  } catch (error) {
    return { error }
  }
}
