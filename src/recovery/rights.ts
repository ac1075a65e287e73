import { COMMAND_RIGHTS, type Scope } from './command-rights.ts'
import { canaryKey } from './objects/canary.ts'
import { functionArn } from './own-steps/function-name.ts'
import { functionsOf, regionOf } from './own-steps/own-step.ts'
import { keyRegionOf, replicatedOf, type Workload } from './workload.ts'
import { ledgerBucketOf } from './write-ledger.ts'

/** A statement of an IAM policy. */
export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

/** The commands that ask something of AWS. */
export const COMMANDS_WITH_RIGHTS: readonly string[] = Object.keys(COMMAND_RIGHTS)

/**
 * The least that an IAM policy has to allow so that commands work on a workload, down to resources where actions know any.
 *
 * A restored database is a new instance whose name begins as the old one's does, so a recovery's rights reach as far. The
 * account is left open, as the workload file does not name it.
 *
 * @param commands  as `COMMANDS_WITH_RIGHTS` names them
 * @param bucket  for `objects`; default: the buckets of the workload file, or any where it names none
 */
export function policyOf(
  workload: Workload,
  commands: readonly string[],
  bucket?: string,
): PolicyDocument {
  const actionsByScopes = new Map<string, Set<string>>()
  const rights = commands.flatMap((name) => Object.entries(COMMAND_RIGHTS[name] ?? {}))
  for (const [action, scopes = []] of rights) {
    const arns = scopes.flatMap((scope) =>
      scope === 'functions' ? functionsFor(commands, workload) : arnsOf(scope, workload, bucket),
    )
    if (arns.length === 0) continue
    const key = JSON.stringify([scopes, arns])
    actionsByScopes.set(key, (actionsByScopes.get(key) ?? new Set()).add(action))
  }
  const statements = [...actionsByScopes].map(([key, actions]): Statement => {
    const [scopes, Resource] = JSON.parse(key) as [Scope[], string[]]
    const Sid = scopes.map((scope) => scope[0]!.toUpperCase() + scope.slice(1)).join('And')
    return { Sid, Effect: 'Allow', Action: [...actions].toSorted(), Resource }
  })
  return { Version: '2012-10-17', Statement: statements }
}

/** The functions that the user's own steps of the runbooks among the commands call. */
function functionsFor(
  commands: readonly string[],
  { steps = [], ...workload }: Workload,
): string[] {
  const own = steps.filter(({ runbook }) => commands.includes(`runbook run ${runbook}`))
  const arns = own
    .flatMap(functionsOf)
    .map((one) => functionArn(one.name, regionOf(one, workload) ?? workload.region))
  return [...new Set(arns)]
}

function arnsOf(scope: Exclude<Scope, 'functions'>, workload: Workload, only?: string): string[] {
  const { region, database, buckets, lock, services, publicName, recoveryRegion: away } = workload
  const arns = (of: typeof scope) => arnsOf(of, workload, only)
  const rds = (rest: string, where = region) => `arn:aws:rds:${where}:*:${rest}`
  const s3 = (rest: string) => `arn:aws:s3:::${rest}`
  // Secrets Manager puts six characters of its own behind a name.
  const secret = (name: string, where = region) =>
    name.startsWith('arn:') ? name : `arn:aws:secretsmanager:${where}:*:secret:${name}-??????`
  const { instance, standby, secret: own, adminSecret } = database
  const copies = `db:${instance.toLowerCase().slice(0, 40)}*`
  const groups = ['pg:*', 'subgrp:*', 'og:*']
  const inRecovery = (of: (where: string) => string[]) => (away ? of(away) : [])
  const replicated = replicatedOf(workload).map((one) => ({ ...one, to: one.replica }))
  const ledger = ledgerBucketOf(workload)
  const ofWorkload = buckets.length > 0 ? buckets.map((one) => one.bucket) : ['*']
  const named = only === undefined ? ofWorkload : [only]
  switch (scope) {
    case 'database':
      return [rds(`db:${instance.toLowerCase()}`)]
    case 'copies':
      return [rds(copies)]
    case 'awayCopies':
      return inRecovery((where) => [
        rds(copies, where),
        ...(standby ? [rds(`db:${standby.toLowerCase()}`, where)] : []),
      ])
    case 'snapshots':
      return [rds('snapshot:*')]
    case 'backups':
      return [rds('auto-backup:*')]
    case 'groups':
      return groups.map((group) => rds(group))
    case 'awayGroups':
      return inRecovery((where) => groups.map((group) => rds(group, where)))
    case 'awaySnapshots':
      return inRecovery((where) => [rds(copies, where), rds('snapshot:*', where)])
    case 'awayBackups':
      return inRecovery((where) => [rds('auto-backup:*', where)])
    case 'homeKeys':
      return [`arn:aws:kms:${region}:*:key/*`]
    case 'awayKeys':
      return inRecovery((where) => [`arn:aws:kms:${where}:*:key/*`])
    case 'secret':
      return [secret(own)]
    case 'logins':
      return [...new Set([secret(own), secret(adminSecret)])]
    case 'awayLogins':
      return inRecovery((where) => [...new Set([secret(own, where), secret(adminSecret, where)])])
    case 'buckets':
      return buckets.map((one) => s3(one.bucket))
    case 'objects':
      return buckets.flatMap((one) => one.prefixes.map((prefix) => s3(`${one.bucket}/${prefix}*`)))
    case 'namedBuckets':
      return named.map((bucket) => s3(bucket))
    case 'namedObjects':
      return named.map((bucket) => s3(`${bucket}/*`))
    case 'replicas':
      return replicated.map(({ to }) => s3(to.bucket))
    case 'replicaObjects':
      return replicated.flatMap(({ to, prefixes }) =>
        prefixes.map((prefix) => s3(`${to.bucket}/${prefix}*`)),
      )
    case 'services':
      return [region, ...(away ? [away] : [])].flatMap((where) =>
        services.map((one) => `arn:aws:ecs:${where}:*:service/${one.cluster}/${one.service}`),
      )
    case 'pairOfDatabases':
      return inRecovery(() => [...arns('copies'), ...arns('awayCopies')])
    case 'anyZone':
      return publicName ? ['*'] : []
    case 'zones':
      return publicName ? ['arn:aws:route53:::hostedzone/*'] : []
    case 'dnsChanges':
      return publicName ? ['arn:aws:route53:::change/*'] : []
    case 'healthChecks':
      return publicName ? ['arn:aws:route53:::healthcheck/*'] : []
    case 'keys':
      return hiddenPlaces(workload)
        .filter((place) => place.startsWith('secret:'))
        .map((place) => secret(place.slice('secret:'.length), keyRegionOf(workload)))
    case 'canaries':
      return replicated.map((one) => s3(`${one.bucket}/${canaryKey(one)}`))
    case 'replicaCanaries':
      return replicated.map((one) => s3(`${one.to.bucket}/${canaryKey(one)}`))
    case 'ledger':
      return ledger ? [s3(`${ledger.bucket}/${ledger.prefix}*`)] : []
    case 'jobs':
      return [`arn:aws:s3:${region}:*:job/*`]
    case 'awayJobs':
      return inRecovery((where) => [`arn:aws:s3:${where}:*:job/*`])
    case 'anything':
      return ['*']
    case 'roles':
      return ['arn:aws:iam::*:role/*']
    case 'lock':
      return lock ? [s3(`${lock.bucket}/${lock.prefix}*`)] : []
    case 'lockBucket':
      return lock ? [s3(lock.bucket)] : []
  }
}

/** Where the secrets of those who are told, and of those who tell, are found. */
function hiddenPlaces({ notifications = [], witnesses = [] }: Workload): string[] {
  const ofTargets = notifications.map((target) => {
    if (target.kind === 'webhook') return target.key
    return target.kind === 'slack' ? target.url : target.login?.at
  })
  return [...ofTargets, ...witnesses.map(({ key }) => key)].filter((place) => place !== undefined)
}
