import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'
import { serverAccount } from '../../../postgres/server-account.ts'
import { deathSignal, killMarked } from '../../marked-processes.ts'
import type { HandlerOrder } from './handler-program.ts'
import type { LogTail } from './log-tail.ts'

/** How long a function may take until its handler is called. Source: Lambda Developer Guide, "Init phase". */
const INIT_MS = 10_000
/** Source: Lambda Developer Guide, "Lambda quotas"; a little is for the line that holds the answer. */
const MAX_REPORT_BYTES = 6 * 1024 * 1024 + 100 + 64
/** How long the output of what has ended is waited for. */
const OUTPUT_MS = 1_000

/** How a handler has ended. */
export type HandlerEnd =
  | { readonly kind: 'reported'; readonly line: string }
  | { readonly kind: 'tooLarge' | 'timedOut' | 'aborted' }
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }

export interface HandlerStart {
  readonly program: string
  readonly taskRoot: string
  /** Has a value by which the processes are known: `mark`. Holds credentials (I12). */
  readonly environment: Readonly<Record<string, string>>
  readonly mark: string
  readonly order: HandlerOrder
  readonly event: Uint8Array
  readonly log: LogTail
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Runs a handler in a process of its own, and resolves when neither that nor anything that it has started is left.
 *
 * It stays in the region's process group, so that `kill -9` of that takes it too; when the region's process dies alone, the
 * kernel ends it where `setpriv` is installed, else the next start does.
 */
export async function runHandler(o: HandlerStart): Promise<HandlerEnd> {
  const [first, ...rest] = [...deathSignal(), process.execPath, o.program]
  const child = spawn(first!, rest, {
    cwd: o.taskRoot,
    env: { ...o.environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...serverAccount(),
  })
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => o.log.append(chunk))
  }
  // Who ends before it has read all says why by its end.
  child.stdin!.on('error', () => undefined)
  child.stdin!.write(`${JSON.stringify(o.order)}\n`)
  child.stdin!.end(o.event)
  const ending = new AbortController()
  const isClosed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  /** What it has written arrives until its streams are closed; but something unknown to us may hold them open. */
  const endAll = async () => {
    await killMarked(o.mark, o.clock)
    // It may have been about to begin.
    child.kill('SIGKILL')
    await Promise.race([isClosed, pause(OUTPUT_MS, o.clock, ending.signal)])
  }
  try {
    return await endOf(child, o, { endAll, ended: ending.signal })
  } finally {
    await endAll()
    ending.abort()
    for (const stream of child.stdio) stream?.destroy()
  }
}

async function endOf(
  child: ChildProcess,
  { order, clock, signal }: HandlerStart,
  { endAll, ended }: { endAll: () => Promise<void>; ended: AbortSignal },
): Promise<HandlerEnd> {
  const report = reportOf(child.stdio[3] as Readable)
  const exited = new Promise<HandlerEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      endAll().then(() => resolve({ kind: 'exited', code, signal }), reject)
    })
  })
  const aborted = new Promise<HandlerEnd>((resolve) => {
    const abort = () => resolve({ kind: 'aborted' })
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { signal: ended })
  })
  const tooLate = async (): Promise<HandlerEnd> => {
    await Promise.race([report.begun, pause(INIT_MS, clock, ended)])
    await pause(order.timeoutMs, clock, ended)
    return { kind: 'timedOut' }
  }
  return await Promise.race([report.end, exited, aborted, tooLate()])
}

/** Never resolves when the signal aborts first. */
async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => new Promise<never>(() => undefined))
}

/** Reads what the program reports; it resolves no promise when the program ends without a report. */
function reportOf(stream: Readable): { begun: Promise<void>; end: Promise<HandlerEnd> } {
  let begun: () => void
  let end: (value: HandlerEnd) => void
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_REPORT_BYTES) return end({ kind: 'tooLarge' })
    if (!chunk.includes('\n')) return
    const [first = '', line, rest] = Buffer.concat(chunks).toString().split('\n')
    begun()
    if (first !== 'begun' && line !== undefined) end({ kind: 'reported', line: first })
    else if (rest !== undefined) end({ kind: 'reported', line: line ?? '' })
  })
  stream.on('error', () => undefined)
  return {
    begun: new Promise((resolve) => {
      begun = resolve
    }),
    end: new Promise((resolve) => {
      end = resolve
    }),
  }
}
