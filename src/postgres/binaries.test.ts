import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryPoint } from '../core/entry-point.ts'
import { findPostgresBinaries } from './binaries.ts'
import { serverAccount } from './server-account.ts'

let folder: string
let cache: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-binaries-'))
  await chmod(folder, 0o711)
  cache = join(folder, 'postgresql')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('four processes that need the embedded binaries at once all find them whole', async () => {
  const module = JSON.stringify(entryPoint(import.meta.url, './binaries.ts').href)
  const program = `
    const { findPostgresBinaries } = await import(${module})
    const found = await findPostgresBinaries({ cache: ${JSON.stringify(cache)}, environment: {} })
    console.log(found.find((one) => one.source === 'embedded').version)`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  const outputs = await Promise.all([run(), run(), run(), run()])
  expect(new Set(outputs.map(({ stdout }) => stdout.trim())).size).toBe(1)
  expect(await readdir(cache)).toHaveLength(1)
})

test('the account that servers run as can run them', async () => {
  const [binaries] = await findPostgresBinaries({ cache, environment: {} })
  for (const program of ['postgres', 'initdb']) {
    const said = execFileSync(join(binaries!.bin, program), ['--version'], {
      cwd: '/',
      encoding: 'utf8',
      ...serverAccount(),
    })
    expect(said).toContain(binaries!.version)
  }
})

test('every major is there once, newest first, and what LIFEBOAT_PG_BIN names comes first', async () => {
  const found = await findPostgresBinaries({ cache, environment: {} })
  const majors = found.map((one) => one.major)
  expect(majors).toEqual([...new Set(majors)].sort((a, b) => b - a))

  const { bin, major } = found[0]!
  const named = await findPostgresBinaries({
    cache,
    environment: { LIFEBOAT_PG_BIN: found.map((one) => one.bin).join(':') },
  })
  expect(named.every((one) => one.source === 'environment')).toBe(true)
  expect(named[0]).toMatchObject({ bin, major })
})

test('a folder named by LIFEBOAT_PG_BIN that holds no PostgreSQL is refused', async () => {
  const environment = { LIFEBOAT_PG_BIN: join(folder, 'nothing') }
  await expect(findPostgresBinaries({ cache, environment })).rejects.toMatchObject({
    code: 'PostgresMissing',
    message: expect.stringContaining('nothing'),
  })
})

test('a PostgreSQL that is too old, or a program that only has its name, is refused with the reason', async () => {
  for (const [name, script, reason] of [
    ['old', 'echo "postgres (PostgreSQL) 9.6.24"', '9.6.24 is too old'],
    ['other', 'echo hello', "it says 'hello'"],
    ['broken', 'echo "lib.so: cannot open shared object file" >&2; exit 127', 'lib.so'],
  ] as const) {
    const bin = join(folder, name)
    await mkdir(bin)
    for (const program of ['postgres', 'initdb']) {
      await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    const attempt = findPostgresBinaries({ cache, environment: { LIFEBOAT_PG_BIN: bin } })
    await expect(attempt).rejects.toMatchObject({
      code: 'PostgresMissing',
      message: expect.stringContaining(reason),
    })
  }
})

test('what a killed process left half-copied is removed after an hour', async () => {
  const [name] = await readdir(cache)
  const abandoned = join(cache, `${name}.unfinished-abcdef`)
  const inUse = join(cache, `${name}.unfinished-ghijkl`)
  await mkdir(abandoned)
  await mkdir(inUse)
  const { mtimeMs } = await stat(inUse)
  await utimes(abandoned, (mtimeMs - 7_200_000) / 1000, (mtimeMs - 7_200_000) / 1000)
  await rm(join(cache, name!), { recursive: true })
  await findPostgresBinaries({ cache, environment: {} })
  expect((await readdir(cache)).sort()).toEqual([name, `${name}.unfinished-ghijkl`])
})

test.runIf(process.getuid?.() === 0)(
  'a cache that the account cannot enter is refused',
  async () => {
    const closed = await mkdtemp(join(tmpdir(), 'lifeboat-closed-'))
    const attempt = findPostgresBinaries({ cache: join(closed, 'postgresql'), environment: {} })
    await expect(attempt).rejects.toMatchObject({
      code: 'FolderNotUsable',
      message: expect.stringContaining(`'${closed}'`),
    })
    await rm(closed, { recursive: true })
  },
)
