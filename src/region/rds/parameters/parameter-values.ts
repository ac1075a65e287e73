import { invalidValue, unsupported } from '../faults.ts'
import type { ParameterDefinition } from './catalog.ts'

/**
 * The value as PostgreSQL takes it.
 *
 * Unlike AWS: there are no formulas such as `{DBInstanceClassMemory/32768}`; a class has no memory of its own here.
 *
 * @throws RdsFault `InvalidParameterValue`, `UnsupportedOperation`
 */
export function checkedParameterValue(definition: ParameterDefinition, value: string): string {
  if (/[{}]/.test(value)) throw unsupported(`A formula as the value of ${definition.name}`)
  const text = value.trim()
  if (isAllowed(definition, text)) return definition.dataType === 'list' ? text.toLowerCase() : text
  throw invalidValue(
    `Invalid parameter value: ${value} for: ${definition.name} allowed values are: ` +
      `${allowedValues(definition)}`,
  )
}

/** As RDS lists it: `0-100`, `on,off`. */
export function allowedValues({ name, range, values }: ParameterDefinition): string {
  if (range) return `${range.min}-${range.max}`
  return values?.join(',') ?? (name === 'timezone' ? 'names of the time zone database' : 'any')
}

function isAllowed({ name, dataType, range, values }: ParameterDefinition, text: string): boolean {
  if (dataType === 'boolean') return (values ?? []).includes(text)
  if (dataType === 'list') return (values ?? []).includes(text.toLowerCase())
  if (name === 'timezone') return isTimeZone(text)
  if (!range) return false
  const form = dataType === 'integer' ? /^-?\d{1,10}$/ : /^-?\d{1,20}(\.\d{1,20})?$/
  return form.test(text) && Number(text) >= range.min && Number(text) <= range.max
}

function isTimeZone(text: string): boolean {
  return text === 'UTC' || Intl.supportedValuesOf('timeZone').includes(text)
}

/** What the server is configured with for the parameters of a group. `rds.*` and `lifeboat.*` are ours to carry out. */
export function serverSettings(
  parameters: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(parameters).filter(([name]) => !/^(rds|lifeboat)\./.test(name))
  return {
    ...Object.fromEntries(own),
    ...(parameters['rds.logical_replication'] === '1' ? { wal_level: 'logical' } : {}),
  }
}

/** Settings that a standby must not have lower than its primary had, with PostgreSQL's defaults. */
const RECOVERY_SETTINGS: Readonly<Record<string, number>> = {
  max_connections: 100,
  max_worker_processes: 8,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
}

/**
 * The highest values under which a server has ever written WAL: one that replays it must have no less.
 * Source: PostgreSQL manual, "Hot Standby", "Administrator's Overview".
 */
export function withRecoveryMinimums(
  minimums: Readonly<Record<string, number>>,
  parameters: Readonly<Record<string, string>>,
): Record<string, number> {
  const highest = Object.entries(RECOVERY_SETTINGS).map(([name, usual]): [string, number] => [
    name,
    Math.max(minimums[name] ?? usual, Number(parameters[name] ?? usual)),
  ])
  return Object.fromEntries(highest)
}
