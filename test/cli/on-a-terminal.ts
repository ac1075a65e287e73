import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const program = join(import.meta.dirname, '..', '..', 'bin', 'lifeboat')

/** Whether `script` of util-linux is there, which gives a program a pseudo-terminal. */
export function hasScript(): boolean {
  return spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')
}

/** A `lifeboat` with a person in front of it. */
export interface Terminal {
  /** All that has been on the screen, without colors and movements. */
  shown(): string
  press(...keys: readonly (keyof typeof KEYS)[]): void
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

const KEYS = { down: '\u001B[B', enter: '\r', ctrlC: '\u0003' }

/** Runs `lifeboat ARGS` on a pseudo-terminal of its own. */
export function lifeboatOnTerminal(args: readonly string[], { home }: { home: string }): Terminal {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`)
  const child = spawn(
    'script',
    ['-qec', `stty cols 120 rows 40; exec ${words.join(' ')}`, '/dev/null'],
    {
      env: { PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh', LIFEBOAT_HOME: home },
      stdio: ['pipe', 'pipe', 'inherit'],
      // A program that hangs must not outlive its test.
      timeout: 110_000,
      killSignal: 'SIGKILL',
    },
  )
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  return {
    shown: () => stripVTControlCharacters(text),
    press: (...keys) => {
      for (const key of keys) child.stdin.write(KEYS[key])
    },
    ended: new Promise((resolve) => child.once('close', resolve)),
  }
}
