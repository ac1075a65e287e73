import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, '..', '..', 'dist', 'bench', 'bench.js')

test('a small benchmark of S3 measures all, replication too, and leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-bench-test-'))
  await chmod(folder, 0o711)
  const options = [
    's3',
    '--alone',
    '--scale',
    '0.01',
    '--rounds',
    '1',
    '--folder',
    folder,
    '--json',
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options])
  const { lines, replication } = JSON.parse(stdout)
  const measures = ['PUT 4 KiB', 'GET 4 KiB', 'LIST 1,000 keys', 'DELETE', 'PUT 1 MiB', 'GET 1 MiB']
  expect(
    lines.map(({ server, perSecond }: { server: string; perSecond: object }) => [
      server,
      Object.keys(perSecond),
    ]),
  ).toEqual([
    ['Lifeboat', measures],
    ["Lifeboat, region's port", measures],
    ['disk: write + fdatasync', ['PUT 4 KiB', 'PUT 1 MiB']],
  ])
  expect(lines[0].perSecond['PUT 4 KiB'].median).toBeGreaterThan(0)
  expect(replication.objectsPerSecond.median).toBeGreaterThan(0)
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

test.each([['--scale', 'huge'], ['--fast']])('%s is answered with how it is used', (...options) => {
  const { status, stderr } = spawnSync(process.execPath, [program, 's3', ...options], {
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([2, expect.stringContaining('npm run bench -- s3')])
})
