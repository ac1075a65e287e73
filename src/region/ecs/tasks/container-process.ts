import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { constants as os } from 'node:os'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'
import { serverAccount } from '../../../postgres/server-account.ts'
import { deathSignal, killMarked } from '../../marked-processes.ts'
import type { BoundedLog } from './bounded-log.ts'
import { metadataPath } from './metadata-path.ts'
import type { ProcessPlan } from './process-plan.ts'
import { StartFailure } from './start-failure.ts'

/**
 * The process of a container, and what it started. It stays in the region's process group, so that `kill -9` of that takes
 * it too; when the region's process dies alone, the kernel ends it where `setpriv` is installed, else the next start does.
 *
 * As in a container, all of it ends when the first process does.
 */
export class ContainerProcess {
  /** The exit code, once nothing of the container is left: 128 and the signal's number when it was a signal. */
  readonly ended: Promise<number>

  private constructor(
    private readonly child: ChildProcess,
    private readonly o: { runtimeId: string; log: BoundedLog; clock: Clock },
  ) {
    this.ended = this.#end()
  }

  /** @throws StartFailure `CannotStartContainerError` */
  static async start(
    plan: ProcessPlan,
    o: { container: string; runtimeId: string; log: BoundedLog; clock: Clock },
  ): Promise<ContainerProcess> {
    const failure = (message: string) =>
      new StartFailure(`CannotStartContainerError: ${message}`, o.container)
    const [name = '', ...parameters] = plan.argv
    const program = findProgram(name, plan.environment.PATH ?? '')
    if (!program) throw failure(`exec: "${basename(name)}": executable file not found`)
    const [first, ...rest] = [...deathSignal(), program, ...parameters]
    const child = spawn(first!, rest, {
      cwd: plan.workingDirectory,
      env: { ...plan.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(plan.asOwner ? {} : serverAccount()),
    })
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined))
      child.once('error', resolve)
    })
    if (error) throw failure(`the process cannot be started: ${error.code ?? 'unknown'}`)
    return new ContainerProcess(child, o)
  }

  /** SIGTERM, and SIGKILL to all of it when it has not ended in time; resolves with the exit code. */
  async stop(timeoutMs: number): Promise<number> {
    this.child.kill('SIGTERM')
    const waiting = new AbortController()
    const late = this.o.clock.sleep(timeoutMs, waiting.signal).then(
      () => true,
      () => false,
    )
    if (await Promise.race([late, this.ended.then(() => false)])) this.kill()
    waiting.abort()
    return await this.ended
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  async #end(): Promise<number> {
    const { child, o } = this
    const copied = [child.stdout, child.stderr].map((stream) => copy(stream!, o.log))
    const code = await new Promise<number>((resolve) => {
      child.once('exit', (status, signal) => {
        resolve(status ?? 128 + (signal ? os.signals[signal] : 0))
      })
    })
    await killMarked(environmentMark(o.runtimeId), o.clock)
    await Promise.all(copied)
    await o.log.close()
    return code
  }
}

/** A reader that fails, as one of a pipe that was cut, has come to the end of what there is. */
async function copy(stream: Readable, log: BoundedLog): Promise<void> {
  try {
    for await (const chunk of stream) await log.append(chunk)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    await log.append(Buffer.from(`\n${error.message}\n`))
  }
}

function findProgram(name: string, path: string): string | undefined {
  const candidates = name.includes('/') ? [name] : path.split(':').map((top) => join(top, name))
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK)
      return statSync(candidate).isFile()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== undefined) return false
      throw error
    }
  })
}

/** The end of a variable of a container's processes, by which they are known. */
export function environmentMark(runtimeId: string): string {
  return `${metadataPath(runtimeId)}\0`
}
