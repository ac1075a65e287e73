import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import {
  findProcess,
  isRunning,
  type ProcessIdentity,
  signal,
} from '../postgres/process-identity.ts'
import type { ChildMessage } from './child-life.ts'
import { logError } from './error-log.ts'
import { findHolder } from './folder-lock.ts'
import type { HomeProgram } from './home-programs.ts'
import { type LinkMessage, STRAIGHT, type Ways } from './network/ways.ts'

/** How long an orphan and a child that was asked to end may take, in milliseconds. */
const ORPHAN_GRACE_MS = 10_000
const STOP_GRACE_MS = 30_000
const POLL_MS = 25

/** A process of a home as its gateway holds it: ready, until it ends. */
export class HomeChild {
  private constructor(
    readonly name: string,
    readonly port: number,
    readonly identity: ProcessIdentity,
    private readonly child: ChildProcess,
  ) {}

  /**
   * Forks a program and waits until it answers. Its output goes to a log in its folder.
   *
   * @param portTo  by which port of this machine it reaches one of another region; by itself by default
   * @throws LifeboatError whatever it failed with, or `RegionUnreachable`
   */
  static async start(
    { name, folder, log, program, args }: HomeProgram,
    { portTo }: Ways = STRAIGHT,
  ): Promise<HomeChild> {
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    await endOrphan(folder)

    const logFile = join(folder, log)
    const output = openSync(logFile, 'a', 0o600)
    const child = fork(program, [...args], {
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
      execArgv: [],
    })
    closeSync(output)
    child.once('exit', (code) => code !== 0 && killGroup(child.pid))
    child.on('message', (asked: ChildMessage) => {
      if (asked.kind !== 'link') return
      const { id } = asked
      portTo(asked.to, asked.port)
        .then((port) => child.send({ kind: 'linked', id, port } satisfies LinkMessage))
        .catch(logError)
    })
    const message = await firstMessage(child)
    const identity = child.pid === undefined ? undefined : findProcess(child.pid)
    if (message?.kind === 'ready' && identity) {
      return new HomeChild(name, message.port, identity, child)
    }
    if (message?.kind === 'failed' && message.code in ERRORS) {
      const { code, hint } = message
      throw new LifeboatError(code as ErrorCode, message.message, hint ? { hint } : {})
    }
    throw new LifeboatError('RegionUnreachable', `'${name}' ended before it was ready`, {
      hint: `Read its log, '${logFile}'.`,
    })
  }

  /** The kernel is asked, because the end of a child is told later than it comes. */
  get isAlive(): boolean {
    return !this.isEndTold && isRunning(this.identity)
  }

  /** As `!isAlive`, a moment late and without asking the kernel: for what is asked with each request. */
  get isEndTold(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Sends a signal to its whole group: itself, its databases and its tasks. */
  signalGroup(name: NodeJS.Signals): void {
    signal(this.identity, name, { group: true })
  }

  /** `kill -9` of its whole group; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signalGroup('SIGKILL')
    await gone(this.identity, ORPHAN_GRACE_MS)
  }

  /** Closes in an orderly way; after a deadline its whole group is killed. */
  async stop(): Promise<void> {
    if (!this.isAlive) return
    const ended = once(this.child, 'exit')
    // One that is frozen would not hear.
    this.signalGroup('SIGCONT')
    const timer = setTimeout(() => signal(this.identity, 'SIGKILL', { group: true }), STOP_GRACE_MS)
    this.child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }
}

/** Ends a process that a killed gateway has left behind, so that its folder is free. Its state survives that. */
export async function endOrphan(folder: string): Promise<void> {
  const holder = await findHolder(folder)
  if (!holder) return
  signal(holder, 'SIGCONT', { group: true })
  signal(holder, 'SIGTERM')
  if (!(await gone(holder, ORPHAN_GRACE_MS))) {
    signal(holder, 'SIGKILL', { group: true })
    await gone(holder, ORPHAN_GRACE_MS)
  }
}

/** A region that was killed alone leaves databases behind; without its API they are lost with it. */
function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until a process has ended; false when it has not in time. */
export async function gone(noted: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  for (let waited = 0; waited < deadlineMs; waited += POLL_MS) {
    if (!isRunning(noted)) return true
    await systemClock.sleep(POLL_MS)
  }
  return !isRunning(noted)
}

async function firstMessage(child: ChildProcess): Promise<ChildMessage | undefined> {
  return await new Promise((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.kind !== 'link') resolve(message)
    })
    child.once('exit', () => resolve(undefined))
    child.once('error', reject)
  })
}
