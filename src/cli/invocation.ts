import type { Command } from 'commander'
import type { Clock } from '../core/clock.ts'
import { Home, homeFolder } from './home.ts'
import { Output } from './output.ts'

/** What the program hands to every command. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv
  readonly clock: Clock
  /** Aborts with `Interrupted` on Ctrl-C. */
  readonly signal: AbortSignal
}

/** One run of one command, with its global options understood. */
export interface Invocation extends Surroundings {
  readonly output: Output
  /** Names Lifeboat's folder without touching it; `Home.create` makes it. */
  readonly home: Home
}

interface GlobalOptions {
  readonly home?: string
  readonly json?: boolean
}

/**
 * A commander action over an `Invocation`: `action(around, async (invocation, options, name) => …)`.
 *
 * Arguments follow the options in the order in which the command declares them.
 */
export function action<Options extends object>(
  around: Surroundings,
  run: (invocation: Invocation, options: Options, ...args: string[]) => Promise<void>,
): (...params: unknown[]) => Promise<void> {
  return async (...params) => {
    const command = params.at(-1) as Command
    const options = command.optsWithGlobals<Options & GlobalOptions>()
    const folder = homeFolder({ option: options.home, environment: around.environment })
    const invocation = {
      ...around,
      output: new Output({ json: options.json === true, environment: around.environment }),
      home: new Home(folder),
    }
    await run(invocation, options, ...(params.slice(0, -2) as string[]))
  }
}
