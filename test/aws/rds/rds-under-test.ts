import {
  CreateDBInstanceCommand,
  type CreateDBInstanceMessage,
  type DBInstance,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { expect, vi } from 'vitest'
import { quietBackupWindow } from '../../harness/quiet-backup-window.ts'
import { regionUnderTest } from '../region-under-test.ts'

export const MASTER = { MasterUsername: 'appadmin', MasterUserPassword: 's3cr3t-passw0rd' }

/** A region with databases, an RDS client for it, and what tests of instances do again and again. */
export function rdsUnderTest() {
  const region = regionUnderTest({ withDatabases: true })
  let client: RDSClient | undefined
  let madeFor: number | undefined

  const rds = (): RDSClient => {
    if (!client || madeFor !== region.port()) client = new RDSClient(region.client())
    madeFor = region.port()
    // Requests are signed with the time of the region, which a test may have put forward.
    client.config.systemClockOffset = region.clock.now().getTime() - Date.now()
    return client
  }
  const describe = async (identifier: string): Promise<DBInstance | undefined> => {
    try {
      const answer = await rds().send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }),
      )
      return answer.DBInstances?.[0]
    } catch (error) {
      if ((error as Error).name === 'DBInstanceNotFoundFault') return undefined
      throw error
    }
  }
  const status = async (identifier: string) => (await describe(identifier))?.DBInstanceStatus

  return {
    region,
    rds,
    describe,
    status,
    /** Waits until the instance has the status; `undefined` waits until it is gone. */
    until: async (identifier: string, wanted: string | undefined): Promise<DBInstance> => {
      await vi.waitFor(async () => expect(await status(identifier)).toBe(wanted), {
        timeout: 90_000,
        interval: 25,
      })
      return (await describe(identifier)) ?? {}
    },
    create: async (identifier: string, more: Partial<CreateDBInstanceMessage> = {}) => {
      const answer = await rds().send(
        new CreateDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          DBInstanceClass: 'db.t3.micro',
          Engine: 'postgres',
          AllocatedStorage: 20,
          DBName: 'appdb',
          PreferredBackupWindow: quietBackupWindow(region.clock.now()),
          ...MASTER,
          ...more,
        }),
      )
      return answer.DBInstance ?? {}
    },
  }
}

/** How the master user logs in at the endpoint that RDS answered. */
export function loginOf({ Endpoint }: DBInstance) {
  return {
    host: Endpoint?.Address ?? '',
    port: Endpoint?.Port ?? 0,
    user: MASTER.MasterUsername,
    password: MASTER.MasterUserPassword,
    database: 'appdb',
  }
}

/** Runs SQL as the master user. */
export async function sql(
  instance: DBInstance,
  text: string,
  other: { database?: string; password?: string } = {},
): Promise<Record<string, unknown>[]> {
  const connection = new pg.Client({ ...loginOf(instance), ...other })
  // A promotion ends sessions, also one that has had its answer.
  connection.on('error', () => undefined)
  await connection.connect()
  try {
    const result = await connection.query(text)
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows
  } finally {
    await connection.end()
  }
}
