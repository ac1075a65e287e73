import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, '..', '..', 'dist', 'bench', 'bench.js')

test('a small benchmark of synchronous commits measures both modes', async () => {
  const options = ['sync', '--seconds', '0.3', '--rounds', '1', '--json']
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options])
  const { lines } = JSON.parse(stdout)
  expect(lines.map(({ sessions }: { sessions: number }) => sessions)).toEqual([1, 8])
  for (const { asynchronous, synchronous } of lines) {
    expect(asynchronous.median).toBeGreaterThan(0)
    expect(synchronous.median).toBeGreaterThan(0)
  }
})

test.each([['--seconds', 'all'], ['--fast']])(
  '%s is answered with how it is used',
  (...options) => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'sync', ...options], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([2, expect.stringContaining('npm run bench -- sync')])
  },
)
