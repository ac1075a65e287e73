import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, '..', '..', 'dist', 'bench', 'bench.js')

test('a small benchmark of DNS gets a right answer to every query while a record changes', async () => {
  const options = ['dns', '--queries', '3000', '--rounds', '1', '--json']
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options])
  const { queries, perSecond } = JSON.parse(stdout)
  expect(queries).toBe(3000)
  expect(perSecond.median).toBeGreaterThan(0)
})

test.each([['--queries', 'all'], ['--fast']])(
  '%s is answered with how it is used',
  (...options) => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'dns', ...options], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([2, expect.stringContaining('npm run bench -- dns')])
  },
)
