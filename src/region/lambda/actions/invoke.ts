import { jsonIn } from '../../../core/json.ts'
import {
  type InvokeCommandInput,
  type InvokeCommandOutput,
  LambdaFault,
} from '../../protocol/models/lambda.ts'
import { invalidParameter, refuseUnsupported } from '../checks.ts'
import { LATEST } from '../function-name.ts'
import type { Invocations } from '../invocations/invocations.ts'
import type { Lambda } from '../lambda.ts'

/** In bytes. Source: Lambda Developer Guide, "Lambda quotas". */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
const MAX_EVENT_BYTES = 1024 * 1024
const MAX_CONTEXT_BYTES = 3583

/**
 * Calls a function, and answers with what it has returned or how it has failed; of an `Event`, before it runs.
 *
 * Unlike AWS: an `Event` is tried once, and lost with the region's process. Of a log only the end is told, to who asks for it, as there
 * is no CloudWatch Logs.
 *
 * @throws LambdaFault `InvalidParameterValueException`, `InvalidRequestContentException`, `RequestTooLargeException`,
 *   `ResourceNotFoundException`, `TooManyRequestsException`
 */
export async function invoke(
  { lambda, invocations }: { lambda: Lambda; invocations: Invocations },
  input: InvokeCommandInput,
): Promise<Omit<InvokeCommandOutput, '$metadata'>> {
  const { InvocationType: type = 'RequestResponse', LogType = 'None' } = input
  const { DurableExecutionName, TenantId } = input
  refuseUnsupported({ DurableExecutionName, TenantId })
  const fn = lambda.get(input.FunctionName, input.Qualifier)
  const event = checkedEvent(input.Payload as Uint8Array | undefined, type)
  const clientContext = contextIn(input.ClientContext)
  const ExecutedVersion = LATEST
  switch (type) {
    case 'DryRun':
      return { StatusCode: 204, ExecutedVersion, Payload: NOTHING }
    case 'Event':
      invocations.start(fn, event)
      return { StatusCode: 202, Payload: NOTHING }
    case 'RequestResponse': {
      const { payload, isError, log } = await invocations.run(fn, { event, clientContext })
      return {
        StatusCode: 200,
        ExecutedVersion,
        Payload: payload as Uint8Array as Payload,
        ...(isError && { FunctionError: 'Unhandled' }),
        ...(LogType === 'Tail' && { LogResult: log.base64 }),
      }
    }
    default:
      throw invalidParameter(`'${type}' at 'invocationType' is not known in an embedded region.`)
  }
}

/** The SDK's clients are given bytes with a method; those that are sent need none. */
type Payload = NonNullable<InvokeCommandOutput['Payload']>
const NOTHING = new Uint8Array() as Payload

/** What is not there is an empty object. */
function checkedEvent(payload: Uint8Array | undefined, type: string): Uint8Array {
  if (payload === undefined || payload.length === 0) return Buffer.from('{}')
  const limit = type === 'Event' ? MAX_EVENT_BYTES : MAX_PAYLOAD_BYTES
  if (payload.length > limit) throw payloadTooLarge(limit, payload.length)
  if (jsonIn(Buffer.from(payload).toString()) === undefined) {
    throw new LambdaFault(
      'InvalidRequestContentException',
      'Could not parse request body into json: it is not JSON.',
    )
  }
  return payload
}

export function payloadTooLarge(limit: number, length?: number): LambdaFault {
  const received = length === undefined ? '' : `${length} byte payload is too large. `
  const message = `${received}Request must be smaller than ${limit} bytes for the InvokeFunction operation`
  return new LambdaFault('RequestTooLargeException', message)
}

function contextIn(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined
  const value = jsonIn(Buffer.from(base64, 'base64').toString())
  if (typeof value === 'object' && value !== null && base64.length <= MAX_CONTEXT_BYTES)
    return value
  throw new LambdaFault(
    'InvalidRequestContentException',
    `Client context is the base64 of a JSON object, ${MAX_CONTEXT_BYTES} bytes at most.`,
  )
}
