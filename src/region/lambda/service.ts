import { type LambdaActions, LambdaFault, lambdaModel } from '../protocol/models/lambda.ts'
import type { RawHead } from '../protocol/raw-request.ts'
import type { BodyLimit, Service } from '../protocol/service.ts'
import { lambdaAccesses } from './accesses.ts'
import { createFunction } from './actions/create-function.ts'
import { deleteFunction } from './actions/delete-function.ts'
import { getFunction, getFunctionConfiguration } from './actions/get-function.ts'
import { invoke, MAX_PAYLOAD_BYTES, payloadTooLarge } from './actions/invoke.ts'
import { listFunctions } from './actions/list-functions.ts'
import { Invocations, type InvocationsOptions } from './invocations/invocations.ts'
import { Lambda, type LambdaOptions } from './lambda.ts'

/**
 * AWS Lambda, whose functions are processes of this machine.
 *
 * Unlike AWS: there are no versions, aliases, layers, images, event sources, function URLs, policies of functions and updates of one.
 */
export async function openLambda(
  o: LambdaOptions & InvocationsOptions,
): Promise<{ service: Service; close: () => Promise<void> }> {
  const lambda = new Lambda(o)
  const invocations = await Invocations.open(lambda, o)
  const parts = { lambda, invocations }
  return {
    service: {
      model: lambdaModel,
      actions: {
        CreateFunction: (input) => createFunction(parts, input),
        DeleteFunction: (input) => deleteFunction(parts, input),
        GetFunction: (input) => getFunction(lambda, input),
        GetFunctionConfiguration: (input) => getFunctionConfiguration(lambda, input),
        Invoke: (input) => invoke(parts, input),
        ListFunctions: (input) => listFunctions(lambda, input),
      } satisfies LambdaActions,
      accesses: (operation, input) => lambdaAccesses(lambda, operation, input),
      bodyLimit,
    },
    close: () => invocations.close(),
  }
}

/** Source: the refusals of AWS. A deployment package of 50 MB is in it as base64. */
const MAX_CREATE_BYTES = 70_167_211
/** A payload that is a little too large is read to its end, so that the client reads the refusal. */
const MARGIN_BYTES = 2 * 1024 * 1024

function bodyLimit({ method, target }: RawHead): BodyLimit {
  const isCreation = method === 'POST' && !target.split('?')[0]!.endsWith('/invocations')
  if (!isCreation) {
    const maxBytes = MAX_PAYLOAD_BYTES + MARGIN_BYTES
    return { maxBytes, tooLarge: payloadTooLarge(MAX_PAYLOAD_BYTES) }
  }
  const message = `Request must be smaller than ${MAX_CREATE_BYTES} bytes for the CreateFunction operation`
  const tooLarge = new LambdaFault('RequestTooLargeException', message)
  return { maxBytes: MAX_CREATE_BYTES, tooLarge }
}
