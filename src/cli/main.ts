import { systemClock } from '../core/clock.ts'
import { commandLine } from './command-line.ts'
import { reportFailure } from './failure.ts'
import { startInterruptions } from './interruption.ts'
import { wantsJson } from './output.ts'

/** The program `lifeboat`. Its exit code is 0, a row of the error table, or 130 after Ctrl-C. */
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
// Libraries deprecate things of one another; an operator in an incident can do nothing about it.
process.noDeprecation = true
const interruption = startInterruptions()
process.stdout.on('error', exitOnClosedPipe)

const circumstances = {
  json: wantsJson(process.argv),
  environment: process.env,
  clock: systemClock,
  interruption,
}
// Work in the background that nobody waits for. After Ctrl-C it meets sockets that have been closed.
process.on('unhandledRejection', (error) => {
  if (!interruption.aborted) process.exit(reportFailure(error, circumstances))
})

let exitCode = 0
try {
  await commandLine({
    environment: process.env,
    clock: systemClock,
    signal: interruption,
  }).parseAsync()
  exitCode = Number(process.exitCode ?? 0)
} catch (error) {
  exitCode = reportFailure(error, circumstances)
}
// Pools and sockets of libraries may linger; what was printed must be out before we go.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))

/** `lifeboat status | head -1`: the reader has seen enough, which is no failure. */
function exitOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
