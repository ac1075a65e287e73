import { EcsFault } from '../protocol/models/ecs.ts'

/** What several actions check in the same way. Source: ECS API Reference, each action. */

export function invalidParameter(message: string) {
  return new EcsFault('InvalidParameterException', message)
}

export function clientError(message: string) {
  return new EcsFault('ClientException', message)
}

/** Refuses what an embedded region could only pretend to do. What is empty or false asks for nothing. */
export function refuseUnsupported(claims: Readonly<Record<string, unknown>>): void {
  for (const [parameter, value] of Object.entries(claims)) {
    const isAsked = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
    if (!isAsked) continue
    throw new EcsFault(
      'UnsupportedOperation',
      `${parameter} is not available in an embedded region.`,
    )
  }
}

/** Clusters, services, families and containers are named alike. */
export function checkedName(what: string, name: string | undefined): string {
  if (name !== undefined && /^[A-Za-z0-9_-]{1,255}$/.test(name)) return name
  throw invalidParameter(
    `${what} '${name ?? ''}' is not valid: it has 1 to 255 letters, numbers, hyphens and underscores.`,
  )
}

/** @param parameter  named in the refusal */
export function checkedCount(
  parameter: string,
  value: number | undefined,
  { least, most, usual }: { least: number; most: number; usual: number },
): number {
  const count = value ?? usual
  if (Number.isInteger(count) && count >= least && count <= most) return count
  throw invalidParameter(`${parameter} is a whole number from ${least} to ${most}.`)
}
