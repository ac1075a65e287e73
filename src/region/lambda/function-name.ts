import { invalidParameter } from './checks.ts'

/** The one version that functions have. */
export const LATEST = '$LATEST'

/** What a request names a function by. */
export interface FunctionName {
  readonly name: string
  readonly qualifier: string | undefined
}

const NAME = '[A-Za-z0-9_-]{1,64}'
const PATTERN = new RegExp(
  '^(?:(?:arn:aws:lambda:(?<region>[a-z0-9-]+):)?(?<account>\\d{12}):function:|function:)?' +
    `(?<name>${NAME})(?::(?<qualifier>\\$LATEST|[A-Za-z0-9_-]{1,128}))?$`,
)

/**
 * Reads a name (`NAME`), a partial ARN (`ACCOUNT:function:NAME`) or an ARN, each with or without `:QUALIFIER`.
 *
 * @returns undefined for a function of another region or account, which cannot be here
 * @throws LambdaFault `InvalidParameterValueException`
 * Source: Lambda API Reference, Invoke, FunctionName.
 */
export function parseFunctionName(
  text: string,
  here: { readonly region: string; readonly accountId: string },
): FunctionName | undefined {
  const groups = PATTERN.exec(text)?.groups
  if (!groups) {
    throw invalidParameter(`'${text}' is neither the name nor the ARN of a function.`)
  }
  const { region = here.region, account = here.accountId, name = '', qualifier } = groups
  const isHere = region === here.region && account === here.accountId
  return isHere ? { name, qualifier } : undefined
}
