import { describe, expect, test } from 'vitest'
import { ERRORS } from '../../src/core/errors.ts'
import { lifeboat } from './lifeboat.ts'

describe('help', () => {
  test('lists the commands on stdout and succeeds', async () => {
    const { code, stdout, stderr } = await lifeboat(['--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const command of ['doctor', 'explain']) expect(stdout).toContain(command)
  })

  test('of a command tells its exit codes from the error table', async () => {
    const { stdout } = await lifeboat(['doctor', '--help'])
    expect(stdout).toMatch(/^Exit codes:\n +0 {2}done$/m)
    expect(stdout).toMatch(new RegExp(`^ +${ERRORS.PostgresMissing.exit} {2}PostgresMissing$`, 'm'))
    expect(stdout).toContain('--home <folder>')
  })

  test('is what one gets for no command at all, with the exit code of a usage error', async () => {
    const { code, stdout, stderr } = await lifeboat([])
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^Usage: lifeboat /)
    expect(stderr).not.toContain('error:')
  })
})

describe('a mistake on the command line', () => {
  test.each([
    [['frobnicate'], "error: unknown command 'frobnicate'"],
    [['doctor', '--frobnicate'], "error: unknown option '--frobnicate'"],
    [['explain', 'one', 'two'], 'error: too many arguments'],
  ])('%j says what is wrong, what to do, and ends with 2', async (args, message) => {
    const { code, stdout, stderr } = await lifeboat(args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    const [error, hint, codeLine, ...rest] = stderr.trimEnd().split('\n')
    expect(error).toContain(message)
    expect(hint).toMatch(/^hint: {2}\S/)
    expect(codeLine).toBe('code:  InvalidUsage (exit 2)   docs: lifeboat explain InvalidUsage')
    expect(rest).toEqual([])
  })

  test('is one JSON object on stdout with --json', async () => {
    const { code, stdout } = await lifeboat(['explain', 'Nothing', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'InvalidUsage', exit: 2 } })
  })
})

describe('explain', () => {
  test('tells the meaning of a code, however it is spelt', async () => {
    const { code, stdout } = await lifeboat(['explain', 'walgap'])
    expect(code).toBe(0)
    expect(stdout).toContain(`WalGap (exit ${ERRORS.WalGap.exit})`)
    expect(stdout).toContain(ERRORS.WalGap.explain)
  })

  test('lists every code of the error table', async () => {
    const { stdout } = await lifeboat(['explain', '--json'])
    const { errors } = JSON.parse(stdout)
    expect(errors.map(({ code }: { code: string }) => code)).toEqual(Object.keys(ERRORS))
  })
})
