import type { DeleteFunctionRequest } from '../../protocol/models/lambda.ts'
import { invalidParameter } from '../checks.ts'
import type { Invocations } from '../invocations/invocations.ts'
import type { Lambda } from '../lambda.ts'

/** Deletes a function; what runs of it goes on. @throws LambdaFault `ResourceNotFoundException`, `InvalidParameterValueException` */
export async function deleteFunction(
  { lambda, invocations }: { lambda: Lambda; invocations: Invocations },
  { FunctionName, Qualifier }: DeleteFunctionRequest,
): Promise<{ StatusCode: number }> {
  const fn = lambda.get(FunctionName, Qualifier)
  if (Qualifier !== undefined) {
    throw invalidParameter('$LATEST version cannot be deleted without deleting the function.')
  }
  await lambda.remove(fn)
  await invocations.code.delete(fn.id)
  return { StatusCode: 204 }
}
