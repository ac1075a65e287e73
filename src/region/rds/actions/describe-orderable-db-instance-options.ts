import type {
  DescribeOrderableDBInstanceOptionsMessage,
  OrderableDBInstanceOption,
} from '../../protocol/models/rds.ts'
import { checkEngine } from '../engine-versions.ts'
import { passes } from '../filters.ts'
import { INSTANCE_CLASSES } from '../instance-classes.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

const STORAGE_TYPES = ['gp2', 'gp3', 'io1', 'io2']

/**
 * DescribeOrderableDBInstanceOptions: every class with every kind of storage, for every version that is here.
 *
 * Source: Amazon RDS API Reference, DescribeOrderableDBInstanceOptions.
 */
export async function describeOrderableDBInstanceOptions(
  rds: Rds,
  input: DescribeOrderableDBInstanceOptionsMessage,
) {
  checkEngine(input.Engine ?? '')
  passes(input.Filters, {})
  const { EngineVersion, DBInstanceClass, LicenseModel } = input
  const options = rds.versions.all
    .filter(({ major, version }) => !EngineVersion || [version, `${major}`].includes(EngineVersion))
    .filter(() => !LicenseModel || LicenseModel === 'postgresql-license')
    .filter(() => input.Vpc !== false)
    .flatMap(({ version }) =>
      INSTANCE_CLASSES.filter((one) => !DBInstanceClass || one === DBInstanceClass).flatMap((one) =>
        STORAGE_TYPES.map((storage) => optionOf(rds, version, one, storage)),
      ),
    )
  const keyOf = (one: OrderableDBInstanceOption) =>
    `${one.EngineVersion} ${one.DBInstanceClass} ${one.StorageType}`
  const { items, next } = pageOf(options, input, keyOf)
  return { OrderableDBInstanceOptions: items, ...next }
}

function optionOf(
  rds: Rds,
  version: string,
  instanceClass: string,
  storageType: string,
): OrderableDBInstanceOption {
  return {
    Engine: 'postgres',
    EngineVersion: version,
    DBInstanceClass: instanceClass,
    LicenseModel: 'postgresql-license',
    AvailabilityZones: ['a', 'b', 'c'].map((zone) => ({ Name: `${rds.names.region}${zone}` })),
    MultiAZCapable: false,
    ReadReplicaCapable: false,
    Vpc: true,
    SupportsStorageEncryption: true,
    StorageType: storageType,
    SupportsIops: storageType.startsWith('io'),
    SupportsStorageThroughput: storageType === 'gp3',
    SupportsEnhancedMonitoring: false,
    SupportsIAMDatabaseAuthentication: false,
    SupportsPerformanceInsights: false,
    MinStorageSize: storageType.startsWith('io') ? 100 : 20,
    MaxStorageSize: 65_536,
    AvailableProcessorFeatures: [],
    SupportedEngineModes: ['provisioned'],
    SupportsStorageAutoscaling: false,
    SupportsKerberosAuthentication: false,
    OutpostCapable: false,
    SupportedActivityStreamModes: [],
    SupportsGlobalDatabases: false,
    SupportedNetworkTypes: ['IPV4'],
    SupportsClusters: false,
    SupportsDedicatedLogVolume: false,
    SupportsHttpEndpoint: false,
  }
}
