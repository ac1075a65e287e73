import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { RunningTime } from '../../src/objectstore/running-time.ts'
import { findPostgresBinaries } from '../../src/postgres/binaries.ts'
import { Region } from '../../src/region/region.ts'
import type { BucketDefaults } from '../../src/region/s3/bucket-defaults.ts'
import { unmount } from '../harness/unmount.ts'

export const REGION = 'ap-southeast-1'
export const CREDENTIALS = {
  accessKeyId: 'AKIALIFEBOATTEST0001',
  secretAccessKey: 'conformance-tests-sign-with-this-secret0',
}

/** A clock that a test can set forward; it never stops. */
export class AdjustableClock implements Clock {
  #aheadMs = 0
  now = () => new Date(systemClock.now().getTime() + this.#aheadMs)
  monotonicMs = () => systemClock.monotonicMs()
  sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(ms, signal)
  forward = (ms: number) => {
    this.#aheadMs += ms
  }
}

/** The running time of a machine that a test can start again. */
class AdjustableRunningTime implements RunningTime {
  boot = 'first'
  #aheadMs = 0
  elapsedMs = () => systemClock.monotonicMs() + this.#aheadMs
  forward = (ms: number) => {
    this.#aheadMs += ms
  }
}

/**
 * One region for a test file, over HTTP, in a folder of its own. The file's tests use names of their own.
 *
 * `restart` closes it and opens it again on the same folder. `pass` lets time pass, where `clock.forward` only sets the clock.
 *
 * @param iamDelayMs     how long changes of policies take until they are effective
 * @param disk           the size of a small disk for its folder, as `mount` takes it; only root can have one
 * @param prepare        is given its folder before the region is opened for the first time, and may take an hour
 * @param bucketDefaults what buckets are made with
 * @param withDatabases  whether the file needs DB instances; the binaries are then copied to its folder
 */
export function regionUnderTest({
  withDatabases = false,
  iamDelayMs = 0,
  disk,
  prepare,
  bucketDefaults,
}: {
  withDatabases?: boolean
  iamDelayMs?: number
  disk?: string | undefined
  prepare?: ((folder: string) => Promise<unknown>) | undefined
  bucketDefaults?: BucketDefaults
} = {}) {
  const clock = new AdjustableClock()
  const running = new AdjustableRunningTime()
  const errors: unknown[] = []
  let folder: string
  let region: Region
  let port: number

  const open = async () => {
    region = await Region.open({
      name: REGION,
      folder,
      credentials: CREDENTIALS,
      clock,
      running,
      binaries: withDatabases
        ? await findPostgresBinaries({ cache: join(folder, 'postgresql') })
        : [],
      templates: join(folder, 'templates'),
      iam: { folder: join(folder, 'iam'), delayMs: iamDelayMs },
      onError: (error) => errors.push(error),
      ...(bucketDefaults ? { bucketDefaults } : {}),
    })
    port = (await region.listen()).port
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-region-'))
    if (disk) spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${disk},mode=711`, 'tmpfs', folder])
    await chmod(folder, 0o711)
    await prepare?.(folder)
    await open()
  }, prepare && 3_600_000)
  afterAll(async () => {
    await region.close()
    if (disk) await unmount(folder)
    await rm(folder, { recursive: true, force: true })
  })

  return {
    clock,
    errors,
    pass: (ms: number) => {
      clock.forward(ms)
      running.forward(ms)
    },
    folder: () => folder,
    port: () => port,
    endpoint: () => `http://127.0.0.1:${port}`,
    restart: async () => {
      await region.close()
      await open()
    },
    /** Restarts the machine as well. */
    reboot: async () => {
      await region.close()
      running.boot += ' and another'
      await open()
    },
    /** What an SDK client needs to reach the region; one attempt, so that a test sees every answer. */
    client: () => ({
      region: REGION,
      endpoint: `http://127.0.0.1:${port}`,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    }),
  }
}

/** The name of the error that a call is refused with. A call that succeeds fails the test. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    (result) => ({ result }),
    (error: Error) => ({ error }),
  )
  if ('error' in outcome) return outcome.error.name
  throw new Error(`the call succeeded: ${JSON.stringify(outcome.result)}`)
}
