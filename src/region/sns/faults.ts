import { SnsFault } from '../protocol/models/sns.ts'

/** In AWS's words: `Invalid parameter: Name Reason: …`. */
export function invalid(parameter: string, reason: string): SnsFault {
  return new SnsFault(
    'InvalidParameterException',
    `Invalid parameter: ${parameter} Reason: ${reason}`,
  )
}

export function notFound(what: string): SnsFault {
  return new SnsFault('NotFoundException', `${what} does not exist`)
}

/** Refuses what an embedded region could only pretend to do. */
export function unsupported(what: string): SnsFault {
  return new SnsFault('UnsupportedOperation', `${what} is not available in an embedded region.`)
}
