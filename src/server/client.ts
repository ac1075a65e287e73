import { type Clock, systemClock } from '../core/clock.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import {
  type Execution,
  type ExecutionEvent,
  type ExecutionsApi,
  hasEnded,
  type ResumeOptions,
  type StartOptions,
} from '../runbook/execution.ts'
import type { Json } from '../runbook/runbook.ts'
import {
  type ErrorBody,
  type EventBody,
  type ExecutionBody,
  eventFrom,
  executionFrom,
  type HealthBody,
  type StartedBody,
} from './api-types.ts'
import { findServerFile, type ServerFile } from './server-file.ts'
import { serverSentEvents } from './server-sent-events.ts'

const ANSWER_DEADLINE_MS = 30_000
const HEALTH_DEADLINE_MS = 2_000
const LOOK_EVERY_MS = 250

/** The executions of the Lifeboat that serves a home; undefined when none answers. */
export async function connectToServer(
  home: string,
  clock: Clock = systemClock,
): Promise<ExecutionsApi | undefined> {
  const file = await findServerFile(home)
  if (!file) return undefined
  const client = new ExecutionsClient(file, clock)
  return (await client.isReady()) ? client : undefined
}

/** Executions that another process answers for. */
class ExecutionsClient implements ExecutionsApi {
  constructor(
    private readonly server: ServerFile,
    private readonly clock: Clock,
  ) {}

  async isReady(): Promise<boolean> {
    try {
      const { lifeboat } = await this.#ask<HealthBody>(
        'GET',
        '/health',
        undefined,
        HEALTH_DEADLINE_MS,
      )
      return lifeboat === 'ready'
    } catch (error) {
      if (error instanceof LifeboatError) return false
      throw error
    }
  }

  async start(runbook: string, input: Json, options: StartOptions = {}): Promise<string> {
    const body = { runbook, input, ...options }
    return (await this.#ask<StartedBody>('POST', '/executions', body)).id
  }

  async get(id: string): Promise<Execution> {
    return executionFrom(await this.#ask<ExecutionBody>('GET', pathOf(id)))
  }

  async list(): Promise<Execution[]> {
    return (await this.#ask<ExecutionBody[]>('GET', '/executions')).map(executionFrom)
  }

  async waitFor(
    id: string,
    predicate: 'end' | ((execution: Execution) => boolean),
    signal?: AbortSignal,
  ): Promise<Execution> {
    for (;;) {
      signal?.throwIfAborted()
      const execution = await this.get(id)
      if (hasEnded(execution) || (predicate !== 'end' && predicate(execution))) return execution
      await this.clock.sleep(LOOK_EVERY_MS, signal)
    }
  }

  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<ExecutionEvent> {
    try {
      const answer = await this.#fetch('GET', `${pathOf(id)}/events`, undefined, signal)
      for await (const data of serverSentEvents(answer.body!)) {
        yield eventFrom(JSON.parse(data) as EventBody)
      }
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  }

  approve(id: string, o: { by: string; step?: string }): Promise<void> {
    return this.#tell(id, 'approve', o)
  }

  pause(id: string): Promise<void> {
    return this.#tell(id, 'pause')
  }

  resume(id: string, o: ResumeOptions = {}): Promise<void> {
    return this.#tell(id, 'resume', o)
  }

  retry(id: string): Promise<void> {
    return this.#tell(id, 'retry')
  }

  skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void> {
    return this.#tell(id, 'skip', o)
  }

  cancel(id: string, o: { by: string }): Promise<void> {
    return this.#tell(id, 'cancel', o)
  }

  async #tell(id: string, verb: string, body: object = {}): Promise<void> {
    const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS)
    await this.#fetch('POST', `${pathOf(id)}/${verb}`, body, signal)
  }

  async #ask<Body>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    deadlineMs = ANSWER_DEADLINE_MS,
  ): Promise<Body> {
    const signal = AbortSignal.timeout(deadlineMs)
    return (await (await this.#fetch(method, path, body, signal)).json()) as Body
  }

  async #fetch(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { port, token } = this.server
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    }).catch((cause: unknown) => {
      const { pid } = this.server.process
      throw new LifeboatError(
        'StateUnreachable',
        `the running Lifeboat (process ${pid}) does not answer`,
        {
          hint: 'Look whether it still runs, or stop it and ask again.',
          cause,
        },
      )
    })
    if (!answer.ok) throw await refusalOf(answer)
    return answer
  }
}

async function refusalOf(answer: Response): Promise<LifeboatError> {
  const { error } = (await answer.json()) as ErrorBody
  const code = error.code in ERRORS ? (error.code as ErrorCode) : 'StateUnreachable'
  return new LifeboatError(code, error.message, error.hint ? { hint: error.hint } : {})
}

function pathOf(id: string): string {
  return `/executions/${encodeURIComponent(id)}`
}
