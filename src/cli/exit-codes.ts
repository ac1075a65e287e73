import type { Command } from 'commander'
import { ERRORS, type ErrorCode } from '../core/errors.ts'

/** Codes with which every command may end. */
const ALWAYS: readonly ErrorCode[] = ['InvalidUsage', 'FolderNotUsable', 'Unexpected']

/** Appends to `--help` the exit codes that the command may end with, from the error table. */
export function withExitCodes(command: Command, codes: readonly ErrorCode[]): Command {
  return command.addHelpText('after', () => `\n${describeExitCodes([...codes, ...ALWAYS])}`)
}

/** Lines of `  44  ResourceNotFound`, by number. */
export function describeExitCodes(codes: readonly ErrorCode[]): string {
  const namesByExit = new Map<number, string[]>()
  for (const code of new Set(codes)) {
    const { exit } = ERRORS[code]
    namesByExit.set(exit, [...(namesByExit.get(exit) ?? []), code])
  }
  const rows = [...namesByExit].sort(([a], [b]) => a - b)
  return [
    'Exit codes:',
    '    0  done',
    ...rows.map(([exit, names]) => `  ${String(exit).padStart(3)}  ${names.join(', ')}`),
    '  130  interrupted by Ctrl-C',
  ].join('\n')
}
