import type { AccessRequest } from '../protocol/authorization.ts'
import { parseFunctionName } from './function-name.ts'
import type { Lambda } from './lambda.ts'

/** Who assumes the roles of functions. */
export const LAMBDA_SERVICE = 'lambda.amazonaws.com'

interface Named {
  readonly FunctionName?: string
  readonly Qualifier?: string
  readonly Role?: string
}

/**
 * What an action of Lambda is about, and the role that is handed to it: who may make a function and pass it a role can have
 * any code act as that one.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
 */
export function lambdaAccesses(
  lambda: Lambda,
  operation: string,
  { FunctionName, Qualifier, Role = '' }: Named,
): AccessRequest[] {
  const action = `lambda:${operation === 'Invoke' ? 'InvokeFunction' : operation}`
  if (FunctionName === undefined) return [{ action, resource: '*' }]
  const named = parseFunctionName(FunctionName, lambda.o)
  // One of another region or account is named by its whole ARN, and not found by who may ask for that.
  const resource = named ? lambda.arnOf(named.name, named.qualifier ?? Qualifier) : FunctionName
  const own = { action, resource }
  if (operation !== 'CreateFunction') return [own]
  const context = { 'iam:PassedToService': LAMBDA_SERVICE }
  return [own, { action: 'iam:PassRole', resource: Role, context }]
}
