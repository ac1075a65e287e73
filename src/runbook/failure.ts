import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import type { Failure } from './execution.ts'

/** The code of a try that was recorded, and kept from beginning by a lock that could not be confirmed. */
export const NOT_BEGUN = 'NotBegun'

/** Whether a try may have done anything. */
export function hasBegun({ error }: { readonly error?: unknown }): boolean {
  return (error as Failure | undefined)?.code !== NOT_BEGUN
}

/** What of an error may be kept and shown: its words, never its cause, and no credentials (I12). */
export function failureOf(error: unknown): Failure {
  const message = withoutCredentials(error instanceof Error ? error.message : String(error))
  if (!(error instanceof LifeboatError)) return { code: 'StepFailed', message }
  return { code: error.code, message, ...(error.hint && { hint: error.hint }) }
}

/** Whether trying again may help without anybody changing anything. A late step has its own rule: `onDeadline`. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof LifeboatError)) return false
  if (error.code === 'StepFailed' || error.code === 'StepDeadlineExceeded') return false
  return ERRORS[error.code satisfies ErrorCode].retryable
}

function withoutCredentials(text: string): string {
  return text.replace(/(\w+:\/\/)[^\s/@]+@/g, '$1…@')
}
