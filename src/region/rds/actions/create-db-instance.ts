import type { CreateDBInstanceMessage } from '../../protocol/models/rds.ts'
import {
  checkedDatabaseName,
  checkedIdentifier,
  checkedMasterPassword,
  checkedMasterUsername,
  checkedPort,
  checkedStorage,
} from '../checks.ts'
import { checkEngine } from '../engine-versions.ts'
import { checkPortFree } from '../free-ports.ts'
import { instanceShape } from '../instance-shape.ts'
import { createInstance } from '../jobs/create-instance.ts'
import { checkedKey, checkedSettings, newRecord } from '../new-instance.ts'
import type { Rds } from '../rds.ts'
import { refuseUnsupported } from '../unsupported.ts'

/**
 * CreateDBInstance: a PostgreSQL server with a master user and, when asked for, a database.
 *
 * Answers at once with status `creating`; callers poll DescribeDBInstances.
 * Source: Amazon RDS API Reference, CreateDBInstance.
 */
export async function createDBInstance(rds: Rds, input: CreateDBInstanceMessage) {
  const identifier = checkedIdentifier(input.DBInstanceIdentifier, 'DBInstanceIdentifier')
  checkEngine(input.Engine ?? '')
  refuseUnsupported(input)
  const { major } = rds.versions.choose(input.EngineVersion)
  const masterUsername = checkedMasterUsername(input.MasterUsername)
  const masterPassword = checkedMasterPassword(input.MasterUserPassword)
  const databaseName = checkedDatabaseName(input.DBName)
  const settings = checkedSettings(rds, input, {
    major,
    storage: checkedStorage(input),
    instanceClass: input.DBInstanceClass ?? '',
    retentionDays: 1,
  })
  const keyArn = await checkedKey(rds, input)
  rds.checkIdentifierFree(identifier)
  await checkPortFree(rds, checkedPort(input.Port))

  const record = newRecord(rds, input, {
    identifier,
    origin: { kind: 'new' },
    major,
    masterUsername,
    databaseName,
    settings,
    keyArn,
    superuserPassword: rds.random.hex(32),
    masterPassword,
  })
  return { DBInstance: instanceShape(rds, await rds.addInstance(record, createInstance(rds))) }
}
