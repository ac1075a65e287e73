import type { Buckets } from '../../aws/buckets.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { PolicyDocument } from '../rights.ts'
import type { ReplicatedBucket } from '../workload.ts'

/** What lets S3 bring the objects of a bucket home: disabled until a failback turns it on. JSON. */
export type RulesHome = {
  /** The replica, which gets the rules, and its region. */
  readonly bucket: string
  readonly region: string
  /** Rules that the replica has already, by their ids: these here replace them. */
  readonly replaced: readonly string[]
  /** As `put-bucket-replication` takes it. */
  readonly configuration: {
    readonly Role: string
    readonly Rules: readonly {
      readonly ID: string
      readonly Status: 'Disabled'
      readonly Priority: number
      readonly Filter: { readonly Prefix: string }
      readonly DeleteMarkerReplication: { readonly Status: 'Enabled' }
      readonly Destination: { readonly Bucket: string }
    }[]
  }
  /** What the role has to be allowed beside what it is. */
  readonly policy: PolicyDocument
  /** Which services have to be trusted with the role. */
  readonly trusted: readonly string[]
  /** All of it for Terraform. */
  readonly terraform: string
}

/** Rules of a replica that lead back to its bucket, as they were found, by their ids; none: objects come home as copies. JSON. */
export type RulesBack = {
  readonly enabled: readonly string[]
  readonly disabled: readonly string[]
  /** An ARN: whom the replica's rules replicate as. */
  readonly role: string | null
}

/** @param replicas  of the replica's region */
export async function findRulesBack(
  { bucket, replica }: ReplicatedBucket,
  replicas: Buckets,
): Promise<RulesBack> {
  const { rules = [], role = null } = (await replicas.findReplication(replica.bucket)) ?? {}
  const back = rules.filter((rule) => rule.destinationBucket === bucket)
  const idsOf = (isEnabled: boolean) =>
    back.filter((rule) => rule.isEnabled === isEnabled).map(({ id }) => id)
  return { enabled: idsOf(true), disabled: idsOf(false), role }
}

const TRUSTED = ['s3.amazonaws.com', 'batchoperations.s3.amazonaws.com']

/**
 * Writes the rules that lead from a bucket's replica back to it, for the role that replicates it now.
 *
 * @throws LifeboatError `CallRefused` for a bucket without rules, whose role is not known
 */
export async function rulesHome(
  pair: ReplicatedBucket,
  source: Buckets,
  replicas: Buckets,
): Promise<RulesHome> {
  const { bucket, prefixes, replica } = pair
  const replication = await source.findReplication(bucket)
  if (!replication) {
    throw new LifeboatError('CallRefused', `bucket '${bucket}' has no replication rules`, {
      hint: `Replicate it to '${replica.bucket}' first: the way home is for the same role.`,
    })
  }
  const Rules = prefixes.map((Prefix, index) => ({
    ID: prefixes.length === 1 ? 'home' : `home-${index + 1}`,
    Status: 'Disabled' as const,
    Priority: index + 1,
    Filter: { Prefix },
    DeleteMarkerReplication: { Status: 'Enabled' as const },
    Destination: { Bucket: `arn:aws:s3:::${bucket}` },
  }))
  const policy = policyFor(pair)
  const before = await replicas.findReplication(replica.bucket)
  const found = {
    bucket: replica.bucket,
    region: replica.region,
    replaced: (before?.rules ?? []).map(({ id }) => id),
    configuration: { Role: replication.role, Rules },
    policy,
    trusted: TRUSTED,
  }
  return { ...found, terraform: inTerraform(found) }
}

/**
 * Source: Amazon S3 User Guide, "Setting up permissions for live replication" and "Configuring an IAM role for S3 Batch
 * Replication".
 */
function policyFor({ bucket, replica }: ReplicatedBucket): PolicyDocument {
  const statement = (Sid: string, Resource: string, ...Action: string[]) => ({
    Sid,
    Effect: 'Allow' as const,
    Action,
    Resource: [Resource],
  })
  return {
    Version: '2012-10-17',
    Statement: [
      statement(
        'ReadReplica',
        `arn:aws:s3:::${replica.bucket}`,
        's3:GetReplicationConfiguration',
        's3:ListBucket',
        's3:PutInventoryConfiguration',
      ),
      statement(
        'ReadReplicaObjects',
        `arn:aws:s3:::${replica.bucket}/*`,
        's3:GetObjectVersionAcl',
        's3:GetObjectVersionForReplication',
        's3:GetObjectVersionTagging',
        's3:InitiateReplication',
      ),
      statement(
        'ReplicateHome',
        `arn:aws:s3:::${bucket}/*`,
        's3:ReplicateDelete',
        's3:ReplicateObject',
        's3:ReplicateTags',
      ),
    ],
  }
}

function inTerraform(found: Omit<RulesHome, 'terraform'>): string {
  const { bucket, region, replaced, configuration, policy } = found
  const { Role, Rules } = configuration
  const name = `${bucket}-home`.replaceAll(/[^A-Za-z0-9_-]/g, '_')
  const rules = Rules.map(
    ({ ID, Status, Priority, Filter, Destination }) => `
  rule {
    id       = ${quoted(ID)}
    status   = ${quoted(Status)}
    priority = ${Priority}
    filter {
      prefix = ${quoted(Filter.Prefix)}
    }
    delete_marker_replication {
      status = "Enabled"
    }
    destination {
      bucket = ${quoted(Destination.Bucket)}
    }
  }`,
  )
  return `# What ${bucket} gets while the workload runs in ${region} comes home by this. It is disabled: 'lifeboat runbook
# run failback' turns it on, and off again. The role has to trust ${TRUSTED.join(' and ')}, and
# needs the keys of both regions where objects are encrypted with KMS; then add source_selection_criteria to the rules.
${replaced.length === 0 ? '' : `# This replaces the rules that the bucket has: ${replaced.join(', ')}. Add those that are to stay.\n`}resource "aws_s3_bucket_replication_configuration" ${quoted(name)} {
  provider = aws.${region.replaceAll('-', '_')}
  bucket   = ${quoted(bucket)}
  role     = ${quoted(Role)}
${rules.join('\n')}
}

resource "aws_iam_role_policy" ${quoted(name)} {
  name   = ${quoted(name)}
  role   = ${quoted(Role.split('/').at(-1) ?? '')}
  policy = jsonencode(${JSON.stringify(policy, null, 2)
    .replaceAll('\n', '\n  ')
    .replaceAll(/([$%])\{/g, '$1$1{')})
}`
}

/** A string of HCL, in which `${` and `%{` begin templates. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/([$%])\{/g, '$1$1{')
}
