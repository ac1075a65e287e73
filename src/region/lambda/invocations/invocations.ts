import { copyFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../../core/clock.ts'
import { entryPoint } from '../../../core/entry-point.ts'
import type { Random } from '../../../core/random.ts'
import { killMarked } from '../../marked-processes.ts'
import { LambdaFault } from '../../protocol/models/lambda.ts'
import { LAMBDA_SERVICE } from '../accesses.ts'
import { CodeStore } from '../code/code-store.ts'
import { LATEST } from '../function-name.ts'
import type { FunctionRecord } from '../function-record.ts'
import type { Lambda } from '../lambda.ts'
import { environmentOf } from './environment.ts'
import { runHandler } from './handler-run.ts'
import { LogTail } from './log-tail.ts'
import { type Outcome, outcomeOf } from './outcome.ts'

/** Unlike AWS: 32 invocations run at a time, not a thousand, and the next one is refused. */
const MAX_CONCURRENT = 32

export interface RoleKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface InvocationsOptions {
  /** Holds the code of functions. */
  readonly folder: string
  /** Where functions find the APIs of all regions. */
  readonly endpoint: () => string
  /**
   * Keys of a role, for a session of that name.
   *
   * @throws AuthFault unless the role is there and trusts `lambda.amazonaws.com`
   */
  readonly keysOf: (roleArn: string, service: string, sessionName: string) => RoleKeys
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
}

/**
 * Runs the functions of a region, each invocation in a process of its own, until it is closed.
 *
 * Unlike AWS: there is no sandbox but the account, which is an unprivileged one where the region is root's. Neither memory nor the
 * disk is limited, nothing of a process is left for the next invocation, and every runtime is the node that runs the region.
 */
export class Invocations {
  readonly #running = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #program: Promise<string> | undefined

  private constructor(
    private readonly lambda: Lambda,
    private readonly o: InvocationsOptions,
    readonly code: CodeStore,
  ) {}

  /** Opens it where another one may have been killed: what that has left behind is ended. */
  static async open(lambda: Lambda, o: InvocationsOptions): Promise<Invocations> {
    await killMarked(`LAMBDA_TASK_ROOT=${o.folder}/`, o.clock)
    const ids = new Set(lambda.functions().map(({ id }) => id))
    return new Invocations(lambda, o, await CodeStore.open(o.folder, ids))
  }

  /** @throws AuthFault when Lambda may not assume the role */
  checkRole(roleArn: string, name: string): void {
    this.o.keysOf(roleArn, LAMBDA_SERVICE, name)
  }

  /**
   * Calls a function once.
   *
   * @param event  JSON
   * @throws LambdaFault `TooManyRequestsException`; AuthFault when Lambda may not assume its role
   */
  async run(
    fn: FunctionRecord,
    { event, clientContext }: { event: Uint8Array; clientContext?: unknown },
  ): Promise<Outcome & { readonly log: LogTail }> {
    this.#checkRoom()
    const run = this.#run(fn, event, clientContext)
    // Whoever waits hears of its failure.
    const settled = Promise.allSettled([run])
    this.#running.add(settled)
    try {
      return await run
    } finally {
      this.#running.delete(settled)
    }
  }

  /** As `run`, of which nobody hears. @throws LambdaFault `TooManyRequestsException` */
  start(fn: FunctionRecord, event: Uint8Array): void {
    this.#checkRoom()
    this.run(fn, { event }).catch(this.o.onError)
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running)
  }

  #checkRoom(): void {
    if (this.#running.size < MAX_CONCURRENT && !this.#closing.signal.aborted) return
    throw new LambdaFault('TooManyRequestsException', 'Rate Exceeded.')
  }

  async #run(fn: FunctionRecord, event: Uint8Array, clientContext: unknown) {
    const { folder, keysOf, endpoint, clock, random } = this.o
    const keys = keysOf(fn.role, LAMBDA_SERVICE, fn.name)
    const taskRoot = await this.code.unpacked(fn.id)
    const requestId = this.lambda.newId()
    const mark = `[${LATEST}]${random.hex(32)}`
    const stream = `${clock.now().toISOString().slice(0, 10).replaceAll('-', '/')}/${mark}`
    const runtimeFolder = join(folder, 'runtime')
    const { region } = this.lambda.o
    const given = { region, endpoint: endpoint(), taskRoot, runtimeFolder, stream, keys }
    const log = new LogTail()
    log.append(`START RequestId: ${requestId} Version: ${LATEST}\n`)
    const startedMs = clock.monotonicMs()
    this.#program ??= layProgram(folder).catch((error: unknown) => {
      this.#program = undefined
      throw error
    })
    const end = await runHandler({
      program: await this.#program,
      taskRoot,
      environment: environmentOf(fn, given),
      mark: `${mark}\0`,
      order: {
        requestId,
        functionArn: this.lambda.arnOf(fn.name),
        timeoutMs: fn.timeoutSeconds * 1000,
        clientContext,
      },
      event,
      log,
      clock,
      signal: this.#closing.signal,
    })
    const outcome = outcomeOf(end, fn, requestId)
    const tookMs = clock.monotonicMs() - startedMs
    if (outcome.isError && end.kind !== 'reported') log.append(`${wordsOf(outcome)}\n`)
    log.append(
      `END RequestId: ${requestId}\nREPORT RequestId: ${requestId}\tDuration: ${tookMs.toFixed(2)} ms\t` +
        `Billed Duration: ${Math.ceil(tookMs)} ms\tMemory Size: ${fn.memoryMb} MB\n`,
    )
    return { ...outcome, log }
  }
}

/** Where the account of functions can read it; a region without functions has no file that others may read. */
async function layProgram(folder: string): Promise<string> {
  const file = join(folder, 'runtime', 'handler.mjs')
  await mkdir(dirname(file), { recursive: true, mode: 0o711 })
  await copyFile(fileURLToPath(entryPoint(import.meta.url, './handler-program.ts')), file)
  return file
}

function wordsOf({ payload }: Outcome): string {
  return (JSON.parse(payload.toString()) as { errorMessage: string }).errorMessage
}
