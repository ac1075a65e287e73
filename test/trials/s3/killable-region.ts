import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Chance } from '../rounds.ts'

const PROGRAM = fileURLToPath(new URL('./region-to-kill.mjs', import.meta.url))

/** What it takes to kill a process right before a system call. */
export const hasStrace = spawnSync('strace', ['-V']).status === 0

/** The calls that make something of what is on the disk, and answers; and within how many of one, by one thread, a region is killed. */
const CALLS = {
  pwrite64: 16,
  writev: 16,
  write: 40,
  fdatasync: 12,
  fsync: 8,
  rename: 4,
  unlink: 4,
  mkdir: 3,
  openat: 12,
} as const

type Call = keyof typeof CALLS

/** Right before the `count`-th call of a name that one of its threads makes. */
export interface CallPoint {
  readonly call: Call
  readonly count: number
}

export function someCallPoint(chance: Chance): CallPoint {
  return pointWithin(CALLS, chance)
}

/** One that comes while a region is opened, when it puts in order what a crash has left. */
export function someOpeningPoint(chance: Chance): CallPoint {
  return pointWithin(
    { pwrite64: 5, writev: 5, fdatasync: 4, fsync: 5, rename: 5, unlink: 5 },
    chance,
  )
}

function pointWithin(
  counts: Partial<typeof CALLS | Record<Call, number>>,
  chance: Chance,
): CallPoint {
  const [call, most] = chance.pick(Object.entries(counts) as [Call, number][])
  return { call, count: 1 + Math.floor(chance.next() ** 2 * most) }
}

/** Which region it is; sent to the process that becomes it. */
export interface RegionIdentity {
  readonly name: string
  readonly home: string
  readonly folder: string
  readonly port: number
  /** Where the other region answers. */
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A region that is killed and started again; each time its successor waits already. */
export class KillableRegion {
  #running: ChildProcess | undefined
  #next: ChildProcess

  private constructor(readonly identity: RegionIdentity) {
    this.#next = prepared()
  }

  static prepare(identity: RegionIdentity): KillableRegion {
    return new KillableRegion(identity)
  }

  /**
   * False when it came to its end while it was being opened.
   *
   * @param watch  sees the process before it does anything
   */
  async start(watch: (pid: number) => Promise<unknown> = async () => undefined): Promise<boolean> {
    const child = this.#next
    this.#running = child
    await watch(child.pid!)
    const ended = once(child, 'exit')
    child.send(this.identity)
    const isReady = await Promise.race([
      once(child, 'message').then(() => true),
      ended.then(() => false),
    ])
    // Only now, so that it does not take the processor from who is waited for.
    this.#next = prepared()
    return isReady
  }

  get pid(): number {
    return this.#running!.pid!
  }

  get isDead(): boolean {
    return !this.#running || isOver(this.#running)
  }

  /** Resolves when the process is gone. */
  async untilDead(): Promise<void> {
    if (this.#running && !isOver(this.#running)) await once(this.#running, 'exit')
  }

  /** `kill -9` of its whole process group. */
  async kill(): Promise<void> {
    if (this.#running) await killed(this.#running)
  }

  async close(): Promise<void> {
    await this.kill()
    await killed(this.#next)
  }
}

function prepared(): ChildProcess {
  return spawn(process.execPath, [PROGRAM], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  })
}

/** Has a process killed at a point that it comes to from now on. */
export async function killAt(pid: number, { call, count }: CallPoint): Promise<void> {
  const inject = `--inject=${call}:signal=KILL:when=${count}`
  const args = ['--follow-forks', `--attach=${pid}`, `--trace=${call}`, inject]
  const tracer = spawn('strace', [...args, '--output=/dev/null'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [told] = await Promise.race([once(tracer.stderr, 'data'), once(tracer, 'exit')])
  if (!/attached/.test(`${told}`)) throw new Error(`strace did not attach: ${told}`)
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function killed(child: ChildProcess): Promise<void> {
  if (isOver(child) || child.pid === undefined) return
  const ended = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await ended
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
