import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { Directory } from './directory.ts'
import type { UserRecord } from './records.ts'

let folder: string
let nowMs: number

beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/lifeboat-directory-`)
  nowMs = 1_000_000
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const clock = { ...systemClock, now: () => new Date(nowMs) }
const open = (delayMs = 0) => Directory.open({ folder, clock, delayMs })

const user = (name: string, path = '/'): UserRecord => ({
  name,
  path,
  id: name,
  arn: name,
  createdAt: '2026-01-01T00:00:00.000Z',
  tags: [],
  inline: [],
  attached: [],
})

test('a change that throws has changed nothing', async () => {
  const directory = await open()
  const change = () =>
    directory.change((edit) => {
      edit.put('users', 'a', user('a'))
      throw new Error('no')
    })
  expect(change).toThrow('no')
  expect(directory.list('users')).toEqual([])
  await directory.close()
})

test('what is in effect follows what is kept, in the order of the changes', async () => {
  const directory = await open(1000)
  const effective = () => directory.effective('users', 'a')?.path
  const put = (path: string) => directory.change((edit) => edit.put('users', 'a', user('a', path)))
  put('/1/')
  nowMs += 400
  put('/2/')
  put('/3/')
  expect([directory.get('users', 'a')?.path, effective()]).toEqual(['/3/', undefined])
  nowMs += 600
  expect(effective()).toBe('/1/')
  nowMs += 400
  expect(effective()).toBe('/3/')
  directory.change((edit) => edit.delete('users', 'a'))
  expect([directory.get('users', 'a'), directory.list('users'), effective()]).toEqual([
    undefined,
    [],
    '/3/',
  ])
  nowMs += 1000
  expect(effective()).toBeUndefined()
  await directory.close()
})

test('names of any length and kind are only names', async () => {
  const directory = await open()
  for (const key of ['', '__proto__', 'x'.repeat(100_000), '\u0000', '\uffff']) {
    expect(directory.get('users', key)).toBeUndefined()
    expect(directory.effective('access-keys', key)).toBeUndefined()
  }
  await directory.close()
})

/** A small file system, where this account may mount one. */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

test('a full disk is named, and keeps what was acknowledged', async (context) => {
  if (!mounted()) return context.skip('skipped: needs the right to mount')
  try {
    const directory = await open()
    let made = 0
    const fill = () => {
      for (;;) {
        const name = `u${made}`
        directory.change((edit) => edit.put('users', name, user(name, 'x'.repeat(8000))))
        made += 1
      }
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'DiskFull' }))
    expect(made).toBeGreaterThan(3)
    expect(directory.list('users')).toHaveLength(made)
    await directory.close()
    const reopened = await open()
    expect(reopened.list('users')).toHaveLength(made)
    await reopened.close()
  } finally {
    execFileSync('umount', [folder])
  }
})
