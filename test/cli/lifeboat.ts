import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '..', '..', 'bin', 'lifeboat')

/** What a program that ran to its end left behind. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs `lifeboat ARGS` to its end without a terminal. Its home is `home`, or one that does not exist.
 *
 * @param o.interruptAt  SIGINT as soon as this is on stderr: a moment of the program's own, not of the machine's speed
 * @param o.withinMs  then it is killed: a program that hangs must not outlive its test, which has to have more time than this
 */
export function lifeboat(
  args: readonly string[],
  o: {
    home?: string
    environment?: NodeJS.ProcessEnv
    signal?: AbortSignal
    interruptAt?: string
    withinMs?: number
  } = {},
): Promise<Outcome> {
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    LIFEBOAT_HOME: o.home ?? '/nonexistent/lifeboat',
    ...o.environment,
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: o.withinMs ?? 170_000,
      killSignal: 'SIGKILL',
      ...(o.signal ? { signal: o.signal, killSignal: 'SIGINT' as const } : {}),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let isInterrupted = false
    child.stdout.on('data', (chunk) => out.push(chunk))
    child.stderr.on('data', (chunk) => {
      err.push(chunk)
      if (o.interruptAt === undefined || isInterrupted) return
      isInterrupted = Buffer.concat(err).includes(o.interruptAt)
      if (isInterrupted) child.kill('SIGINT')
    })
    child.on('error', (error) => error.name !== 'AbortError' && reject(error))
    child.on('close', (code) =>
      resolve({
        code,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    )
  })
}

/** A folder for one test, which the account of PostgreSQL servers may pass through. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'lifeboat-cli-'))
  chmodSync(path, 0o711)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
