import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lifeboat, temporaryFolder } from '../cli/lifeboat.ts'

const page = readFileSync(
  join(import.meta.dirname, '..', '..', 'docs', 'region-failure.md'),
  'utf8',
)
const folder = temporaryFolder()
afterAll(() => folder.remove())

test('every command of docs/region-failure.md is one that the program takes', async () => {
  const commands = page
    .split('\n')
    .filter((line) => line.startsWith('lifeboat '))
    .map((line) => line.replace('lifeboat.yaml', '/nonexistent.yaml').split(' ').slice(1))
  expect(commands.length).toBe(8)
  for (const args of commands) {
    const { stdout } = await lifeboat([...args, '--json'], { home: join(folder.path, 'home') })
    expect(JSON.parse(stdout).error?.code, args.join(' ')).toBe('WorkloadFileNotFound')
  }
})
