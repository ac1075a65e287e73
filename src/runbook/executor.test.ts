import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { systemRandom } from '../core/random.ts'
import { isGone, SILENCE_SECONDS, thisExecutor } from './executor.ts'

const mine = thisExecutor(systemRandom)

test('on this machine a process is looked for, however long it has been silent', () => {
  expect(isGone(mine, 1e6)).toBe(false)
  expect(isGone({ ...mine, startedTicks: mine.startedTicks - 1 }, 0)).toBe(true)
  expect(isGone({ ...mine, pid: 2 ** 22 + 1 }, 0)).toBe(true)
})

test('from another machine only its silence can be heard', () => {
  const elsewhere = { ...mine, machine: 'elsewhere', pid: 2 ** 22 + 1 }
  expect(isGone(elsewhere, 1)).toBe(false)
  expect(isGone(elsewhere, SILENCE_SECONDS + 1)).toBe(true)
})

test('a process that has ended is gone', async () => {
  const child = execFile(process.execPath, ['-e', ''])
  await once(child, 'exit')
  expect(isGone({ ...mine, pid: child.pid! }, 0)).toBe(true)
})

test('two executors of one process are told apart', () => {
  expect(thisExecutor(systemRandom).id).not.toBe(mine.id)
})
