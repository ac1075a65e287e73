/**
 * Kinds of value that several parts of a workload file have.
 */
import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'

const DURATION = '^\\s*(\\d+(\\.\\d+)?\\s*[a-zA-Z]+\\s*)+$'

/** A text that says how long, like `15m`. */
export function duration(description: string) {
  return z
    .string({ error: (issue) => durationFault(issue.input)?.message })
    .refine((text) => durationFault(text) === undefined, {
      error: (issue) => durationFault(issue.input)?.message,
    })
    .meta({ description, pattern: DURATION, examples: ['5s', '15m', '4 hours', '1h 30m'] })
}

/** Why `value` is not a duration; undefined when it is one. */
export function durationFault(value: unknown): LifeboatError | undefined {
  if (value === undefined) return undefined
  try {
    parseDuration(String(value))
    return typeof value === 'number'
      ? new LifeboatError('InvalidDuration', `'${value}' has no unit: ${value} what?`)
      : undefined
  } catch (error) {
    if (error instanceof LifeboatError) return error
    throw error
  }
}

/** A text that is not empty. */
export const name = (description: string) => z.string().trim().min(1).meta({ description })

/** Where a secret is found, never the secret. */
export const hidden = (description: string) =>
  z
    .string()
    .regex(/^(env|secret):\S+$/, 'it is kept out of this file: write env:NAME or secret:NAME')
    .meta({
      description: `${description}: \`env:NAME\` of Lifeboat's environment, or \`secret:NAME\` of Secrets Manager`,
    })
