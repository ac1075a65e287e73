import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const program = join(root, 'dist', 'bench', 'bench.js')
const hasPgBackRest = spawnSync('pgbackrest', ['version']).status === 0
const hasPostgres15 = existsSync('/usr/lib/postgresql/15/bin/initdb')

test('a small benchmark restores the right rows, compares, and leaves nothing behind', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-bench-test-'))
  await chmod(folder, 0o711)
  const options = ['--scale', '0.002', '--rounds', '1', '--data', 'a', '--folder', folder, '--json']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...options])
  expect(stderr).toContain('restore to a time 1 of 1')

  const { lines } = JSON.parse(stdout) as {
    lines: { measure: string; postgres: string; ratio?: number }[]
  }
  const measures = lines
    .filter(({ postgres }) => postgres === lines[0]!.postgres)
    .map(({ measure }) => measure)
  expect(measures).toEqual([
    'full',
    'incremental',
    'restore',
    'restore, durable',
    'PITR',
    'incremental bytes',
    'stored bytes',
  ])
  const isCompared = hasPgBackRest && hasPostgres15
  expect(lines.every(({ ratio }) => (ratio !== undefined) === isCompared)).toBe(true)
  if (!hasPgBackRest) expect(stderr).toContain('skipped: needs pgBackRest')
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

test.each([['--scale', 'huge'], ['--fast']])('%s is answered with how it is used', (...options) => {
  const { status, stderr } = spawnSync(process.execPath, [program, ...options], {
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([2, expect.stringContaining('npm run bench')])
})
