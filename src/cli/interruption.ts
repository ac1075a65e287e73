/** Why a command ended early: the operator, or the system, asked for it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor(readonly signalName: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`interrupted by ${signalName}`)
  }

  /** 128 plus the signal's number, as a shell reports it. */
  get exitCode(): number {
    return { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[this.signalName]
  }
}

/**
 * Turns signals into an AbortSignal whose reason is `Interrupted`, so that commands clean up after
 * themselves. A third signal stops waiting for that.
 */
export function startInterruptions(): AbortSignal {
  const controller = new AbortController()
  let received = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      received += 1
      const interrupted = new Interrupted(name)
      // npm and the terminal may both pass on one Ctrl-C, so that the second is not yet impatience.
      if (received > 2) process.exit(interrupted.exitCode)
      controller.abort(interrupted)
    })
  }
  return controller.signal
}
