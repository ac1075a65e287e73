import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HomeChild } from '../../src/region/home-child.ts'

let folder: string
let child: HomeChild | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-ways-'))
})
afterEach(async () => {
  await child?.kill()
  await rm(folder, { recursive: true, force: true })
})

test('a region is told by its gateway by which ports it reaches those of another region', async () => {
  const asked: [string, number][] = []
  const portTo = async (region: string, port: number) => {
    asked.push([region, port])
    return port + 10_000
  }
  const program = pathToFileURL(join(import.meta.dirname, 'asking-child.mjs'))
  const told = join(folder, 'told.json')
  child = await HomeChild.start(
    { name: 'asking', folder, log: 'child.log', program, args: [told, '5432', '5433'] },
    { portTo },
  )
  await expect
    .poll(() => (existsSync(told) ? readFileSync(told, 'utf8') : ''))
    .toBe('[15432,15433]')
  expect(asked.sort()).toEqual([
    ['us-east-1', 5432],
    ['us-east-1', 5433],
  ])
})
