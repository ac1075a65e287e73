import type { CreateDBInstanceReadReplicaMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier, checkedPort } from '../checks.ts'
import { invalidCombination, invalidValue, unsupported } from '../faults.ts'
import { checkPortFree } from '../free-ports.ts'
import type { InstanceRecord } from '../instance.ts'
import { instanceShape } from '../instance-shape.ts'
import { createReplica } from '../jobs/create-replica.ts'
import { checkedSettings, newRecord } from '../new-instance.ts'
import { checkPreSignedUrl } from '../pre-signed-url.ts'
import type { Rds } from '../rds.ts'
import { regionIn, slotOf } from '../replication/replica.ts'
import type { SourceDescription } from '../replication/source.ts'
import { storageOf } from '../restored-instance.ts'
import { DEFAULT_KEY } from '../storage-keys.ts'
import { refuseUnsupported } from '../unsupported.ts'

/**
 * CreateDBInstanceReadReplica: a standby that streams from its source, in the same region or in another one. Backups are off, and
 * neither tags nor, across regions, the parameter group of the source come with it.
 *
 * Answers at once with status `creating`; callers poll DescribeDBInstances.
 * Source: Amazon RDS API Reference, CreateDBInstanceReadReplica.
 */
export async function createDBInstanceReadReplica(
  rds: Rds,
  input: CreateDBInstanceReadReplicaMessage,
) {
  const identifier = checkedIdentifier(input.DBInstanceIdentifier, 'DBInstanceIdentifier')
  refuseUnsupported(input)
  if (input.SourceDBClusterIdentifier !== undefined) throw unsupported('SourceDBClusterIdentifier')
  const source = input.SourceDBInstanceIdentifier ?? ''
  const sourceRegion = regionOf(rds, source)
  checkPreSignedUrl(rds, {
    operation: 'CreateDBInstanceReadReplica',
    sourceRegion,
    source: ['SourceDBInstanceIdentifier', source],
    input: { ...input },
    url: input.PreSignedUrl,
  })
  rds.checkIdentifierFree(identifier)
  await checkPortFree(rds, checkedPort(input.Port))
  const description = await describeSource(rds, sourceRegion, source)
  const { facts } = description
  const isNear = sourceRegion === rds.names.region
  rds.versions.choose(String(facts.major))
  const settings = checkedSettings(
    rds,
    isNear ? { DBParameterGroupName: facts.settings.parameterGroup, ...given(input) } : input,
    {
      major: facts.major,
      storage: storageOf(facts, input),
      instanceClass: facts.settings.instanceClass,
      retentionDays: 0,
    },
  )
  const made = newRecord(rds, input, {
    identifier,
    origin: { kind: 'replica' },
    major: facts.major,
    masterUsername: facts.masterUsername,
    databaseName: facts.databaseName,
    settings,
    keyArn: await checkedKey(rds, input.KmsKeyId, description, isNear),
    superuserPassword: description.superuserPassword,
  })
  const { resourceId } = made
  const record: InstanceRecord = {
    ...made,
    recoveryMinimums: facts.recoveryMinimums,
    replicaOf: {
      arn: description.arn,
      region: sourceRegion,
      resourceId: facts.resourceId,
      slot: slotOf({ region: rds.names.region, resourceId }),
    },
  }
  return { DBInstance: instanceShape(rds, await rds.addInstance(record, createReplica(rds))) }
}

/** A source in another region is named by its ARN. */
function regionOf(rds: Rds, source: string): string {
  if (!source.startsWith('arn:')) return rds.names.region
  const region = regionIn(source)
  if (region !== undefined) return region
  throw invalidValue(`Invalid DB instance ARN: ${source}`)
}

async function describeSource(
  rds: Rds,
  region: string,
  identifier: string,
): Promise<SourceDescription> {
  const { output } = await rds.peer.ask<SourceDescription>({
    region,
    operation: 'DescribeReplicaSource',
    input: { identifier },
  })
  return output
}

/**
 * A replica is encrypted when its source is: in the same region with the same key, in another one with a key of that region.
 *
 * @throws RdsFault `InvalidParameterCombination`, `KMSKeyNotAccessibleFault`
 */
async function checkedKey(
  rds: Rds,
  keyId: string | undefined,
  { keyArn }: SourceDescription,
  isNear: boolean,
): Promise<string | undefined> {
  if (keyArn === undefined) {
    if (keyId === undefined) return undefined
    throw invalidCombination(
      'You cannot create an encrypted read replica of an unencrypted DB instance.',
    )
  }
  if (isNear) {
    if (keyId === undefined) return await rds.keys.checked(keyArn)
    throw invalidCombination('A read replica in the same region has the KMS key of its source.')
  }
  if (keyId !== undefined) return await rds.keys.checked(keyId)
  throw invalidCombination(
    `Specify KmsKeyId, a key of ${rds.names.region} as ${DEFAULT_KEY}: the source is encrypted, and its key does not leave its region.`,
  )
}

function given<Input extends object>(input: Input): Partial<Input> {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as Partial<Input>
}
