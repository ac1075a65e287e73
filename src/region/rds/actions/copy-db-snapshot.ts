import type { CopyDBSnapshotMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier, checkOptionGroup } from '../checks.ts'
import { sealedHere } from '../disclosed-facts.ts'
import { invalidCombination, invalidValue, RdsFault, unsupported } from '../faults.ts'
import { checkPreSignedUrl } from '../pre-signed-url.ts'
import type { Rds } from '../rds.ts'
import { regionIn } from '../replication/replica.ts'
import { snapshotShape } from '../snapshot-shape.ts'
import type { SnapshotRecord } from '../snapshots.ts'
import { checkedTags, withTags } from '../tags.ts'
import type { SnapshotDescription } from '../transfer/snapshot-copies.ts'

/**
 * CopyDBSnapshot: a manual snapshot with the data of another one, of this region or of another. It stands alone: it restores
 * when the other is gone, with its region.
 *
 * Answers at once with status `creating`; callers poll DescribeDBSnapshots.
 * Source: Amazon RDS API Reference, CopyDBSnapshot.
 */
export async function copyDBSnapshot(rds: Rds, input: CopyDBSnapshotMessage) {
  const identifier = checkedIdentifier(
    input.TargetDBSnapshotIdentifier,
    'TargetDBSnapshotIdentifier',
    255,
  )
  refuseAbsent(input)
  const source = input.SourceDBSnapshotIdentifier ?? ''
  const sourceRegion = regionOf(rds, source)
  checkPreSignedUrl(rds, {
    operation: 'CopyDBSnapshot',
    sourceRegion,
    source: ['SourceDBSnapshotIdentifier', source],
    input: { ...input },
    url: input.PreSignedUrl,
  })
  const own = checkedTags(input.Tags)
  rds.snapshots.checkFree(identifier, 'manual')
  const { output: described } = await rds.peer.ask<SnapshotDescription>({
    region: sourceRegion,
    operation: 'DescribeSnapshotSource',
    input: { identifier: source },
  })
  if (described.status !== 'available') {
    throw new RdsFault(
      'InvalidDBSnapshotStateFault',
      `The snapshot ${described.identifier} is not in the available state.`,
    )
  }
  checkOptionGroup(input.OptionGroupName, described.facts.major)
  const { facts, originalAt } = described
  const keyArn = await checkedKey(rds, input.KmsKeyId, described, sourceRegion)
  const snapshot: SnapshotRecord = {
    identifier,
    resourceId: rds.names.newResourceId('snap').toLowerCase(),
    type: 'manual',
    status: 'creating',
    instance: sealedHere(
      rds,
      described,
      keyArn === undefined ? undefined : rds.keys.create(keyArn, facts.resourceId),
    ),
    ...(described.backup === undefined ? {} : { backup: described.backup }),
    copyOf: { arn: described.arn, region: sourceRegion, identifier: described.identifier },
    ...(originalAt === undefined ? {} : { originalAt }),
    acceptedAt: rds.now(),
    tags: input.CopyTags ? withTags(described.tags, own) : own,
  }
  await rds.snapshots.add(snapshot)
  rds.copies.begin(snapshot)
  return { DBSnapshot: snapshotShape(rds, snapshot) }
}

function refuseAbsent(input: CopyDBSnapshotMessage): void {
  const { SnapshotTarget, TargetCustomAvailabilityZone, SnapshotAvailabilityZone } = input
  if (SnapshotTarget !== undefined && SnapshotTarget !== 'region') {
    throw unsupported(`SnapshotTarget=${SnapshotTarget}`)
  }
  if (TargetCustomAvailabilityZone !== undefined) throw unsupported('TargetCustomAvailabilityZone')
  if (SnapshotAvailabilityZone !== undefined) throw unsupported('SnapshotAvailabilityZone')
}

/** A source in another region is named by its ARN. */
function regionOf(rds: Rds, source: string): string {
  if (!source.startsWith('arn:')) return rds.names.region
  const region = regionIn(source)
  if (region !== undefined && /:snapshot:/.test(source)) return region
  throw invalidValue(`Invalid snapshot ARN: ${source}`)
}

/**
 * In the same region an encrypted copy has the key of its source unless another one is named; in another region one must be.
 *
 * @throws RdsFault `InvalidParameterCombination`, `KMSKeyNotAccessibleFault`
 */
async function checkedKey(
  rds: Rds,
  keyId: string | undefined,
  { keyArn, identifier }: SnapshotDescription,
  sourceRegion: string,
): Promise<string | undefined> {
  if (keyId !== undefined && keyId !== '') return await rds.keys.checked(keyId)
  if (keyArn === undefined) return undefined
  if (sourceRegion === rds.names.region) return await rds.keys.checked(keyArn)
  throw invalidCombination(
    `Specify KmsKeyId, a key of ${rds.names.region}: the snapshot ${identifier} is encrypted, and its key does not leave ${sourceRegion}.`,
  )
}
