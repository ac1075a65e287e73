import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Chance } from '../rounds.ts'

const PROGRAM = fileURLToPath(new URL('./region-to-kill.mjs', import.meta.url))

/** What it takes to kill a process right before a system call. */
export const hasStrace = spawnSync('strace', ['-V']).status === 0

/**
 * The calls by which something comes to the disk, and within how many of one, by one thread, a region is killed: some come
 * while it is opened, when it puts in order what a crash has left, and the others while it works.
 */
const CALLS = {
  pwrite64: 40,
  writev: 40,
  write: 60,
  fdatasync: 20,
  fsync: 14,
  rename: 10,
  unlink: 10,
  mkdir: 20,
  openat: 30,
} as const

type Call = keyof typeof CALLS

/** Right before the `count`-th call of a name that one of its threads makes. */
export interface CallPoint {
  readonly call: Call
  readonly count: number
}

export function someCallPoint(chance: Chance): CallPoint {
  const call = chance.pick(Object.keys(CALLS) as Call[])
  return { call, count: 1 + Math.floor(chance.next() ** 2 * CALLS[call]) }
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
  #next: Prepared

  private constructor(
    readonly identity: RegionIdentity,
    private readonly nextPoint: () => CallPoint | undefined,
  ) {
    this.#next = prepared()
  }

  /** @param nextPoint  where a process that is started is killed by itself; undefined: nowhere */
  static prepare(
    identity: RegionIdentity,
    nextPoint: () => CallPoint | undefined = () => undefined,
  ): KillableRegion {
    return new KillableRegion(identity, nextPoint)
  }

  /** Where the running process is killed by itself. */
  point: CallPoint | undefined

  /**
   * False when it came to its end while it was being opened.
   *
   * @param watch  sees the process before it does anything
   */
  async start(watch: (pid: number) => Promise<unknown> = async () => undefined): Promise<boolean> {
    const { child, isLoaded } = this.#next
    this.#running = child
    await isLoaded
    this.point = this.nextPoint()
    await watch(child.pid!)
    if (this.point) await killAt(child.pid!, this.point)
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
    await killed(this.#next.child)
  }
}

interface Prepared {
  readonly child: ChildProcess
  readonly isLoaded: Promise<unknown>
}

function prepared(): Prepared {
  const child = spawn(process.execPath, [PROGRAM], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  })
  return { child, isLoaded: once(child, 'message') }
}

/**
 * Has a process killed at a point that it comes to from now on. Its main thread is left alone: it writes no file, and
 * everything would wait for it.
 */
async function killAt(pid: number, { call, count }: CallPoint): Promise<void> {
  const threads = readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== `${pid}`)
  const tracer = spawn(
    'strace',
    [
      ...threads.map((thread) => `--attach=${thread}`),
      ...[`--trace=${call}`, `--inject=${call}:signal=KILL:when=${count}`, '--output=/dev/null'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let told = ''
  tracer.stderr.on('data', (piece) => {
    told += piece
  })
  const isOver = once(tracer, 'exit').then(() => true)
  while (told.match(/attached/g)?.length !== threads.length) {
    const next = once(tracer.stderr, 'data').then(() => false)
    if (await Promise.race([isOver, next])) throw new Error(`strace did not attach: ${told}`)
  }
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
