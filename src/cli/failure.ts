import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import type { Clock } from '../core/clock.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import { Interrupted } from './interruption.ts'

interface Circumstances {
  readonly json: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly interruption: AbortSignal
}

/**
 * Says on stderr why the command failed, and what to do; with `--json` also as an object on stdout.
 *
 * @returns the exit code
 */
export function reportFailure(error: unknown, o: Circumstances): number {
  const interrupted = o.interruption.aborted ? o.interruption.reason : error
  if (interrupted instanceof Interrupted) return interrupted.exitCode
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  // commander has just printed the help, for want of a command: nothing to add.
  if (error instanceof CommanderError && error.code === 'commander.help')
    return ERRORS.InvalidUsage.exit

  const failure = asLifeboatError(error, o)
  const { code, message, hint } = failure
  const { exit } = ERRORS[code]
  if (o.json) {
    process.stdout.write(`${JSON.stringify({ error: { code, exit, message, hint } })}\n`)
  }
  process.stderr.write(`${describeFailure(failure)}\n`)
  if (o.environment.LIFEBOAT_DEBUG) process.stderr.write(`${details(error)}\n`)
  return exit
}

/** The three lines that an operator reads. */
export function describeFailure({ code, message, hint }: LifeboatError): string {
  return [
    `error: ${message}`,
    ...(hint ? [`hint:  ${hint}`] : []),
    `code:  ${code} (exit ${ERRORS[code].exit})   docs: lifeboat explain ${code}`,
  ].join('\n')
}

function asLifeboatError(error: unknown, o: Circumstances): LifeboatError {
  if (isLifeboatError(error)) return error
  if (error instanceof CommanderError) {
    return new LifeboatError('InvalidUsage', error.message.replace(/^error: /, ''), {
      hint: 'Run the command with --help to see what it takes.',
    })
  }
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LifeboatError('DiskFull', `the disk is full: ${(error as Error).message}`, {
      hint: 'Free some space and try again; nothing that was committed is lost.',
      cause: error,
    })
  }
  const summary = (error instanceof Error ? error.message : String(error)).split('\n')[0]
  const file = keepDetails(error, o.clock)
  return new LifeboatError(
    'Unexpected',
    `something went wrong that Lifeboat does not know: ${summary}`,
    {
      hint: file
        ? `Read the details in ${file}.`
        : 'Set LIFEBOAT_DEBUG=1 and try again for the details.',
      cause: error,
    },
  )
}

/** Also one that crossed a process or a package boundary, where `instanceof` does not reach. */
function isLifeboatError(error: unknown): error is LifeboatError {
  if (error instanceof LifeboatError) return true
  const named = error instanceof Error && error.name === 'LifeboatError'
  return named && 'code' in error && (error.code as ErrorCode) in ERRORS
}

function keepDetails(error: unknown, clock: Clock): string | undefined {
  try {
    const file = join(mkdtempSync(join(tmpdir(), 'lifeboat-error-')), 'details.txt')
    writeFileSync(file, `${clock.now().toISOString()} node ${process.version}\n${details(error)}\n`)
    return file
  } catch (problem) {
    // A full disk must not hide the error that is being reported.
    if (problem instanceof Error) return undefined
    throw problem
  }
}

function details(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by: ${details(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
