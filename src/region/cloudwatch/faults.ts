import { CloudWatchFault } from '../protocol/models/cloudwatch.ts'

export function invalid(message: string): CloudWatchFault {
  return new CloudWatchFault('InvalidParameterValueException', message)
}

export function notTogether(message: string): CloudWatchFault {
  return new CloudWatchFault('InvalidParameterCombinationException', message)
}

export function missing(parameter: string): CloudWatchFault {
  return new CloudWatchFault(
    'MissingRequiredParameterException',
    `The parameter ${parameter} is required.`,
  )
}

/** What AWS itself words as a validation error. */
export function notValid(message: string): CloudWatchFault {
  return new CloudWatchFault('ValidationException', message)
}

/** Refuses what an embedded region could only pretend to do. */
export function refuseUnsupported(claims: Readonly<Record<string, unknown>>): void {
  for (const [parameter, value] of Object.entries(claims)) {
    if (value === undefined || value === false) continue
    throw new CloudWatchFault(
      'UnsupportedOperation',
      `${parameter} is not available in an embedded region.`,
    )
  }
}
