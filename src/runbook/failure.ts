import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import type { Failure } from './execution.ts'

/** What of an error may be kept and shown: its words, never its cause. */
export function failureOf(error: unknown): Failure {
  if (error instanceof LifeboatError) {
    return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) }
  }
  return { code: 'StepFailed', message: error instanceof Error ? error.message : String(error) }
}

/** Whether trying again without anybody changing anything may help. */
export function isRetryable({ code }: Failure): boolean {
  return code in ERRORS && ERRORS[code as ErrorCode].retryable && code !== 'StepFailed'
}
