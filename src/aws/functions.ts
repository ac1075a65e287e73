import type { LambdaClient, LambdaClientConfig } from '@aws-sdk/client-lambda'
import { jsonIn } from '../core/json.ts'
import type { Calls } from './calls.ts'

/** How much of a log is told at most, in bytes. Source: Lambda API Reference, Invoke. */
const LOG_BYTES = 4096

/** What a function has answered. */
export interface FunctionAnswer {
  /** Undefined: what it answered is not JSON. */
  readonly value: unknown
  /** Why it failed, in its own words. */
  readonly failure: string | undefined
  /** The end of its log. */
  readonly log: string
  /** Whether there was more of the log, so that this begins anywhere. */
  readonly isLogCut: boolean
}

/** AWS Lambda of one region, in our words. Every method throws as `Calls` says. Holds sockets: destroy it. */
export class Functions {
  #client: LambdaClient | undefined

  constructor(
    private readonly config: LambdaClientConfig,
    private readonly calls: Calls,
  ) {}

  destroy(): void {
    this.#client?.destroy()
  }

  /**
   * Calls a function and waits for its answer. It is called once: nobody but its author knows whether it may be called twice.
   *
   * @param name       or ARN
   * @param o.payload  JSON; without it the function is given `{}`
   * @param o.custom   what it finds as `custom` in its client context
   * @throws LifeboatError also `OutcomeUnknown` when no answer came, or the signal has aborted
   */
  async invoke(
    name: string,
    o: {
      readonly payload?: string
      readonly custom?: Readonly<Record<string, string>>
      readonly signal: AbortSignal
    },
  ): Promise<FunctionAnswer> {
    const { payload, custom, signal } = o
    // Few workloads call functions, and every command would begin a tenth of a second later.
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda')
    this.#client ??= new LambdaClient(this.config)
    const client = this.#client
    const answer = await this.calls.once(`invoke function '${name}'`, () =>
      client.send(
        new InvokeCommand({
          FunctionName: name,
          LogType: 'Tail',
          ...(payload !== undefined && { Payload: payload }),
          ...(custom && {
            ClientContext: Buffer.from(JSON.stringify({ custom })).toString('base64'),
          }),
        }),
        { abortSignal: signal },
      ),
    )
    const value = jsonIn(answer.Payload?.transformToString() ?? '')
    const log = Buffer.from(answer.LogResult ?? '', 'base64')
    return {
      value,
      failure: answer.FunctionError === undefined ? undefined : failureIn(value),
      log: log.toString(),
      isLogCut: log.length >= LOG_BYTES,
    }
  }
}

function failureIn(value: unknown): string {
  const { errorType, errorMessage } = (value ?? {}) as Record<string, unknown>
  const told = [errorType, errorMessage].filter((part) => typeof part === 'string' && part !== '')
  return told.length > 0 ? told.join(': ') : 'it does not say why'
}
