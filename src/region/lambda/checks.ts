import { LambdaFault } from '../protocol/models/lambda.ts'

/** What several actions refuse in the same way. Source: Lambda API Reference, each action. */

export function invalidParameter(message: string): LambdaFault {
  return new LambdaFault('InvalidParameterValueException', message)
}

/** Refuses what an embedded region could only pretend to do. What is empty or false asks for nothing. */
export function refuseUnsupported(claims: Readonly<Record<string, unknown>>): void {
  for (const [parameter, value] of Object.entries(claims)) {
    if (isAsked(value)) {
      throw invalidParameter(`${parameter} is not available in an embedded region.`)
    }
  }
}

function isAsked(value: unknown): boolean {
  if (value === undefined || value === false || value === '') return false
  return typeof value !== 'object' || value === null || Object.values(value).some(isAsked)
}

/** @throws LambdaFault `InvalidParameterValueException` naming the parameter */
export function checkedNumber(
  parameter: string,
  value: number | undefined,
  { least, most, usual }: { least: number; most: number; usual: number },
): number {
  const number = value ?? usual
  if (Number.isInteger(number) && number >= least && number <= most) return number
  const limit =
    number > most
      ? `less than or equal to ${most}`
      : `a whole number greater than or equal to ${least}`
  throw invalidParameter(
    `Value '${number}' at '${parameter}' failed to satisfy constraint: Member must have value ${limit}`,
  )
}
