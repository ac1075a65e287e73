import type { PostgresBinaries } from '../../../postgres/binaries.ts'
import type { DBEngineVersion, DescribeDBEngineVersionsMessage } from '../../protocol/models/rds.ts'
import { parameterGroupFamily } from '../engine-versions.ts'
import { passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

/**
 * DescribeDBEngineVersions: the PostgreSQL versions whose binaries are on this machine.
 *
 * Source: Amazon RDS API Reference, DescribeDBEngineVersions.
 */
export async function describeDBEngineVersions(rds: Rds, input: DescribeDBEngineVersionsMessage) {
  const { Engine: engine, EngineVersion: asked, DBParameterGroupFamily: family } = input
  const passesAll = passes<DBEngineVersion>(input.Filters, {
    'db-parameter-group-family': (one) => [one.DBParameterGroupFamily ?? ''],
    engine: () => ['postgres'],
    'engine-mode': () => ['provisioned'],
    'engine-version': (one) => [one.EngineVersion ?? ''],
    status: () => ['available'],
  })
  const versions = rds.versions.all
    .filter(() => engine === undefined || engine === 'postgres')
    .filter(({ major, version }) => !asked || [version, String(major)].includes(asked))
    .filter(({ major }) => !family || parameterGroupFamily(major) === family)
    .slice(0, input.DefaultOnly ? 1 : undefined)
    .map(shapeOf)
    .filter(passesAll)
  const { items, next } = pageOf(versions, input, (one) => one.EngineVersion ?? '')
  return { DBEngineVersions: items, ...next }
}

function shapeOf({ major, version }: PostgresBinaries): DBEngineVersion {
  return {
    Engine: 'postgres',
    EngineVersion: version,
    MajorEngineVersion: String(major),
    DBParameterGroupFamily: parameterGroupFamily(major),
    DBEngineDescription: 'PostgreSQL',
    DBEngineVersionDescription: `PostgreSQL ${version}`,
    ValidUpgradeTarget: [],
    ExportableLogTypes: [],
    SupportsLogExportsToCloudwatchLogs: false,
    SupportsReadReplica: false,
    SupportedEngineModes: ['provisioned'],
    SupportedFeatureNames: [],
    Status: 'available',
    SupportsParallelQuery: false,
    SupportsGlobalDatabases: false,
    SupportsBabelfish: false,
    SupportsLimitlessDatabase: false,
    SupportsIntegrations: false,
    SupportsCertificateRotationWithoutRestart: true,
    SupportedCACertificateIdentifiers: [
      'rds-ca-rsa2048-g1',
      'rds-ca-rsa4096-g1',
      'rds-ca-ecc384-g1',
    ],
    TagList: [],
  }
}
