import { Command } from 'commander'
import { ERRORS, type ErrorCode, LifeboatError } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { table } from '../output.ts'

/** `lifeboat explain [CODE]`: what an error code means. */
export function explainCommand(around: Surroundings): Command {
  const command = new Command('explain')
    .description('say what an error code means and what to do; without one, list them all')
    .argument('[code]', 'as an error message names it: RecoveryPointUnreachable')
    .action(
      action(around, async ({ output }, _options, name?: string) => {
        if (name === undefined) {
          const rows = Object.entries(ERRORS).map(([code, { exit, explain }]) => ({
            code,
            exit,
            explain,
          }))
          const lines = rows.map(({ code, exit, explain }) => [code, String(exit), explain])
          output.result({ errors: rows }, table(['code', 'exit', 'meaning'], lines))
          return
        }
        const code = findCode(name)
        const { exit, http, retryable, explain } = ERRORS[code]
        const again = retryable ? 'The same command may succeed later.' : ''
        const text = [`${code} (exit ${exit})`, '', explain, again].join('\n').trimEnd()
        output.result({ code, exit, http, retryable, explain }, text)
      }),
    )
  return withExitCodes(command, [])
}

function findCode(name: string): ErrorCode {
  const codes = Object.keys(ERRORS) as ErrorCode[]
  const code = codes.find((candidate) => candidate.toLowerCase() === name.toLowerCase())
  if (code) return code
  const alike = codes.filter((candidate) => candidate.toLowerCase().includes(name.toLowerCase()))
  throw new LifeboatError('InvalidUsage', `'${name}' is no error code of Lifeboat`, {
    hint: alike.length
      ? `Try ${alike.slice(0, 3).join(' or ')}.`
      : 'List them all with: lifeboat explain.',
  })
}
