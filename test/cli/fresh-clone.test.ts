import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const minutes = 60_000

/** It installs all dependencies anew, which takes a minute and a network. */
const isAskedFor = !!process.env.LIFEBOAT_LONG_TESTS || !!process.env.CI

const isRoot = process.getuid?.() === 0
/** The account of whoever runs this, and as root also one that owns nothing. */
const ACCOUNTS = [
  ['its owner', undefined],
  ...(isRoot ? [['an ordinary user without a home', 65_534] as const] : []),
] as const

describe.skipIf(!isAskedFor).each(ACCOUNTS)(
  `a fresh clone, by %s${isAskedFor ? '' : ' (skipped: needs LIFEBOAT_LONG_TESTS=1)'}`,
  (_, uid) => {
    let folder: string
    let clone: string

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'lifeboat-clone-'))
      chmodSync(folder, 0o755)
      clone = join(folder, 'lifeboat')
      execFileSync('git', ['clone', '--quiet', root, clone])
      if (uid) execFileSync('chown', ['-R', `${uid}:${uid}`, clone])
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    function run(command: string, ...args: string[]) {
      const startedAt = performance.now()
      const { status, stdout, stderr } = spawnSync(command, args, {
        cwd: clone,
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          HOME: uid ? '/nonexistent' : process.env.HOME,
          NO_COLOR: '1',
        },
        ...(uid ? { uid, gid: uid } : {}),
      })
      return { status, stdout, stderr, seconds: (performance.now() - startedAt) / 1_000 }
    }

    test(
      'installs and builds itself, and only the answer stands on stdout',
      () => {
        const { status, stdout, stderr } = run('bin/lifeboat', 'explain', 'WalGap', '--json')
        expect(stderr).toContain('installing the dependencies')
        expect(status).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ code: 'WalGap' })
      },
      5 * minutes,
    )

    test('starts warm the second time', () => {
      const { status, stderr, seconds } = run('bin/lifeboat', 'explain', 'WalGap')
      expect(status).toBe(0)
      expect(stderr).toBe('')
      expect(seconds).toBeLessThan(10)
    })

    test(
      'npm test passes arguments on and ends with one line of counts',
      () => {
        const { status, stdout } = run('npm', 'test', '--', 'test/cli/home')
        expect(status).toBe(0)
        expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^\d+ passed, 0 failed, 0 skipped$/)
      },
      2 * minutes,
    )

    test(
      'npm test passes the exit code on',
      () => {
        const { status, stdout } = run('npm', 'test', '--', 'no-test-has-this-name')
        expect(status).toBe(1)
        expect(stdout.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed, 0 skipped')
      },
      2 * minutes,
    )
  },
)
