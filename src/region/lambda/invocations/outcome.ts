import type { FunctionRecord } from '../function-record.ts'
import type { HandlerEnd } from './handler-run.ts'

/** In bytes. Source: Lambda Developer Guide, "Lambda quotas". */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 + 100

/** What an invocation has come to. */
export interface Outcome {
  /** JSON. */
  readonly payload: Buffer
  readonly isError: boolean
}

/** Source: Lambda Developer Guide, "Understanding function errors". */
export function outcomeOf(end: HandlerEnd, fn: FunctionRecord, requestId: string): Outcome {
  const told = (said: string) => `RequestId: ${requestId} Error: ${said}`
  switch (end.kind) {
    case 'reported':
      return reported(end.line)
    case 'tooLarge':
      return tooLarge()
    case 'timedOut': {
      const after = fn.timeoutSeconds.toFixed(2)
      return failed('Sandbox.Timedout', told(`Task timed out after ${after} seconds`))
    }
    case 'aborted':
      return failed('Runtime.ExitError', told('Runtime exited with error: signal: killed'))
    case 'exited':
      return failed('Runtime.ExitError', told(`Runtime exited ${exitWords(end)}`))
  }
}

function reported(line: string): Outcome {
  const { value, error } = JSON.parse(line) as { value?: unknown; error?: object }
  const payload = Buffer.from(JSON.stringify(error ?? value))
  return payload.length > MAX_PAYLOAD_BYTES ? tooLarge() : { payload, isError: error !== undefined }
}

function exitWords({ code, signal }: Extract<HandlerEnd, { kind: 'exited' }>): string {
  if (signal !== null) return `with error: signal: ${signal.replace(/^SIG/, '').toLowerCase()}`
  return code === 0 ? 'without providing a reason' : `with error: exit status ${code}`
}

function tooLarge(): Outcome {
  const message = `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`
  return failed('Function.ResponseSizeTooLarge', message)
}

function failed(errorType: string, errorMessage: string): Outcome {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), isError: true }
}
