import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findProcess } from '../postgres/process-identity.ts'
import { Gateway } from './gateway.ts'

const REGION = 'eu-west-1'
let home: string
let gateway: Gateway

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-gateway-'))
  await chmod(home, 0o711)
  gateway = await Gateway.open({ home, port: 0 })
})
afterAll(async () => {
  await gateway.close()
  await rm(home, { recursive: true, force: true })
})

test('revives a region that was killed so recently that its end was not told yet', async () => {
  await gateway.start([REGION])
  const [killed] = gateway.status()
  process.kill(-killed!.pid, 'SIGKILL')
  // Nothing is awaited here, so this process cannot hear of the end of its child.
  while (findProcess(killed!.pid)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)

  await gateway.start([REGION])
  const [revived] = gateway.status()
  expect(revived).toMatchObject({ name: REGION, isRunning: true })
  expect(revived!.pid).not.toBe(killed!.pid)
})
