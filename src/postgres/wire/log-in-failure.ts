import { InvariantError } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ConnectionTarget } from './connection-target.ts'
import { ServerError } from './server-error.ts'

/** Whatever a socket or TLS says of a log-in that failed, the database is not reachable in this way. */
export function whileLoggingIn(error: unknown, target: ConnectionTarget): unknown {
  if (error instanceof ServerError || error instanceof InvariantError) return error
  if (error instanceof LifeboatError && error.code !== 'DatabaseUnreachable') return error
  if (error instanceof LifeboatError && error.hint !== undefined) return error
  // Node says nothing but a code when several addresses of one name have refused.
  const { message, code } = error as NodeJS.ErrnoException
  return unreachable(target, message || (code ?? String(error)), error)
}

export function logInRefused(target: ConnectionTarget, error: ServerError): Error {
  const where = `${target.host}:${target.port}`
  if (error.sqlstate.startsWith('28')) {
    return new LifeboatError(
      'CredentialsRefused',
      `the database at ${where} refused user '${target.user}'`,
      {
        hint: 'Check the user and password that were given for it.',
        cause: error,
      },
    )
  }
  // 57P03: starting up, shutting down or recovering. 53300: no connection slot is free.
  if (error.sqlstate === '57P03' || error.sqlstate === '53300') {
    return unreachable(target, error.message, error)
  }
  return error
}

export function unsupported(target: ConnectionTarget): LifeboatError {
  return new LifeboatError(
    'CredentialsRefused',
    `the database at ${target.host}:${target.port} asks for a way to log in other than SCRAM-SHA-256`,
    { hint: "Set password_encryption to 'scram-sha-256' and set the role's password again." },
  )
}

export function unreachable(
  target: ConnectionTarget,
  reason: string,
  cause?: unknown,
): LifeboatError {
  return new LifeboatError(
    'DatabaseUnreachable',
    `the database at ${target.host}:${target.port} cannot be reached: ${reason}`,
    { hint: 'Check that it runs and that its address is right.', cause },
  )
}
