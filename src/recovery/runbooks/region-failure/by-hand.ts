/**
 * The failover as a person types it, with nothing but bash, the aws CLI and psql: each step owns its lines, beside the code that
 * does the same. `check`, `says`, `within`, `login` and the other short words are those of `break-glass/functions.sh`.
 */
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { PublicRecords } from '../../failover-records.ts'
import type { Workload } from '../../workload.ts'
import type { Endpoint } from '../data-corruption/tools.ts'
import type { DatabaseSource } from './database-sources.ts'
import type { ServiceThere } from './task-trial.ts'

/** What the lines are filled in with, as it was found while all was well. */
export interface FailoverFacts {
  readonly workload: Workload
  readonly region: string
  /** What the database comes up from: each way has lines of its own. */
  readonly source: DatabaseSource
  /** The old database, as the secret names it. */
  readonly primary: Endpoint
  readonly services: readonly ServiceThere[]
  readonly records: PublicRecords | null
}

/** The change batches of the bundle: to the recovery region, and the records as they were. */
export const RECORDS_AWAY = 'records-to-recovery.json'
export const RECORDS_HOME = 'records-as-they-were.json'
/** Lists what gives writes back, takes them away, and what was listed. */
export const FENCE_FILES = {
  list: 'list-grants.sql',
  fence: 'fence.sql',
  unfence: 'unfence.sql',
} as const

export const act = (what: string, line: string): TypedLine => ({ kind: 'do', what, line })
export const check = (what: string, line: string): TypedLine => ({
  ...{ kind: 'check', what },
  line: `check ${line}`,
})
/** May fail or time out, as what it asks may be lost. */
export const attempt = (what: string, line: string): TypedLine => ({ kind: 'try', what, line })

/** One word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** An aws CLI call in the recovery region: `aws('rds', 'describe-db-instances', { 'db-instance-identifier': 'shop-db' })`. */
export function awsIn(
  region: string,
  call: string,
  options: Readonly<Record<string, string | number | true>>,
  query?: string,
): string {
  const words = Object.entries(options).map(([name, value]) =>
    value === true ? `--${name}` : `--${name} ${quoted(String(value))}`,
  )
  const told = query === undefined ? '' : ` --query ${quoted(query)} --output text`
  return `aws ${call} ${[...words, `--region ${region}`].join(' ')}${told}`
}

/** The same of what may be dead: asked once, and not for long. */
export function awsPerhaps(...call: Parameters<typeof awsIn>): string {
  return `AWS_MAX_ATTEMPTS=1 ${awsIn(...call)} --cli-connect-timeout 4 --cli-read-timeout 8`
}

/** Stops the services of the region that is left, as far as its ECS answers. @param why  what follows in words */
export function stopHomeServices({ workload, services }: FailoverFacts, why = ''): TypedLine[] {
  return services.map(({ cluster, service }) =>
    attempt(
      `stop '${service}' in ${workload.region}${why}`,
      awsPerhaps(
        ...([workload.region, 'ecs update-service'] as const),
        { cluster, service, 'desired-count': 0 },
        'service.desiredCount',
      ),
    ),
  )
}

export function psql(sql: string): string {
  return `psql -XAtc ${quoted(sql)}`
}

/** A field of a DB instance of the recovery region. */
export function instanceField({ region, source }: FailoverFacts, field: string): string {
  return awsIn(
    region,
    'rds describe-db-instances',
    { 'db-instance-identifier': source.instance },
    `DBInstances[0].${field}`,
  )
}

/** Logs psql in at an endpoint by the copy of the secret that the recovery region has. */
export function logInAt(
  { workload, region }: FailoverFacts,
  { host, port }: Endpoint,
  secret = workload.database.secret,
): string {
  return `login ${quoted(secret)} ${region} ${quoted(host)} ${port}`
}

/** Logs psql in at the database of the recovery region, whose endpoint is not known before it is restored. */
export function logInThere(facts: FailoverFacts, secret?: string): TypedLine[] {
  const { source, region, workload } = facts
  const what = `log in at '${source.instance}'`
  if (source.kind === 'replica') return [act(what, logInAt(facts, source.endpoint, secret))]
  const { instance } = source
  return [
    act('where does it answer?', `endpoint ${instance} ${region}`),
    act(what, `login ${quoted(secret ?? workload.database.secret)} ${region} "$HOST" "$PORT"`),
  ]
}

export const IN_RECOVERY = psql('select pg_is_in_recovery()')
