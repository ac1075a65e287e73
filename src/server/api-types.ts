import type { Execution, ExecutionEvent, StepRecord } from '../runbook/execution.ts'

/** A value as JSON carries it: moments are ISO 8601. */
export type Wire<Value> = Value extends Date
  ? string
  : Value extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : Value extends object
      ? { readonly [Key in keyof Value]: Wire<Value[Key]> }
      : Value

/** `GET /executions/ID`; an array of them: `GET /executions`. */
export type ExecutionBody = Omit<Wire<Execution>, 'input' | 'steps'> & {
  readonly input: Execution['input']
  readonly steps: readonly StepBody[]
}

type StepBody = Omit<Wire<StepRecord>, 'output'> & Pick<StepRecord, 'output'>

/** The data of a server-sent event of `GET /executions/ID/events`; its id is the event's. */
export type EventBody = Wire<ExecutionEvent>

/** The answer to `POST /executions`. */
export interface StartedBody {
  readonly id: string
}

/** Every answer that is not 2xx. `code` stands in the error table. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string }
}

/** `GET /health`. */
export interface HealthBody {
  readonly lifeboat: 'ready'
  readonly pid: number
}

export function executionFrom(body: ExecutionBody): Execution {
  const { endedAt, steps, ...rest } = body
  return {
    ...rest,
    startedAt: new Date(body.startedAt),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt) }),
    steps: steps.map(stepFrom),
  }
}

export function eventFrom(body: EventBody): ExecutionEvent {
  return { ...body, at: new Date(body.at) }
}

function stepFrom({ attempts, undoAttempts, gate, ...rest }: StepBody): StepRecord {
  return {
    ...rest,
    attempts: attempts.map(attemptFrom),
    ...(undoAttempts && { undoAttempts: undoAttempts.map(attemptFrom) }),
    ...(gate && { gate: gateFrom(gate) }),
  }
}

function attemptFrom({ startedAt, endedAt, ...rest }: StepBody['attempts'][number]) {
  return {
    ...rest,
    startedAt: new Date(startedAt),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt) }),
  }
}

function gateFrom({ askedAt, approvedAt, ...rest }: NonNullable<StepBody['gate']>) {
  return {
    ...rest,
    askedAt: new Date(askedAt),
    ...(approvedAt !== undefined && { approvedAt: new Date(approvedAt) }),
  }
}
