import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KMS } from '@aws-sdk/client-kms'
import {
  CreateDBInstanceCommand,
  type CreateDBInstanceMessage,
  CreateDBInstanceReadReplicaCommand,
  type CreateDBInstanceReadReplicaMessage,
  type DBInstance,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { afterAll, expect, vi } from 'vitest'
import { quietBackupWindow } from '../../harness/quiet-backup-window.ts'
import { twoRegions } from '../s3/two-regions.ts'
import { MASTER } from './rds-under-test.ts'

export { HERE, THERE } from '../s3/two-regions.ts'

/** Two regions, their databases and their first backups are much for a machine that has other things to do. */
const PATIENCE_MS = 240_000

/** RDS in two regions of one home, each a process group of its own, for a test file. */
export function rdsOfTwoRegions() {
  // For every file that calls this: the module itself is run once for many of them.
  vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })
  afterAll(() => vi.resetConfig())
  const world = twoRegions()
  const clients = new Map<string, RDSClient>()
  const rds = (region: string): RDSClient => {
    const known = clients.get(region)
    if (known) return known
    const made = new RDSClient(world.client(region))
    clients.set(region, made)
    return made
  }
  afterAll(() => {
    for (const made of clients.values()) made.destroy()
  })
  const describe = async (region: string, identifier: string): Promise<DBInstance | undefined> => {
    try {
      const answer = await rds(region).send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }),
      )
      return answer.DBInstances?.[0]
    } catch (error) {
      if ((error as Error).name === 'DBInstanceNotFoundFault') return undefined
      throw error
    }
  }
  /** Waits until what RDS says of an instance passes. */
  const untilSaid = async (
    region: string,
    identifier: string,
    check: (instance: DBInstance | undefined) => void,
  ): Promise<DBInstance> => {
    let found: DBInstance | undefined
    await vi.waitFor(
      async () => {
        found = await describe(region, identifier)
        check(found)
      },
      { timeout: PATIENCE_MS, interval: 50 },
    )
    return found ?? {}
  }
  return {
    ...world,
    rds,
    /** `kill -9` of a region; then its disk is gone too. */
    lose: async (region: string) => {
      await world.kill(region)
      await rm(join(world.home().folder, 'regions', region), { recursive: true })
    },
    /** What a program needs to talk to a region. */
    environment: (region: string) => {
      const { endpoint, credentials } = world.client(region)
      return {
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_DEFAULT_REGION: region,
        AWS_EC2_METADATA_DISABLED: 'true',
      }
    },
    kms: (region: string) => new KMS(world.client(region)),
    describe,
    untilSaid,
    until: (region: string, identifier: string, status: string | undefined) =>
      untilSaid(region, identifier, (one) => expect(one?.DBInstanceStatus).toBe(status)),
    /** Waits until a replica is there and replicates. */
    untilReplicating: (region: string, identifier: string) =>
      untilSaid(region, identifier, (one) => {
        expect(one?.StatusInfos).toMatchObject([{ Status: 'replicating', Normal: true }])
      }),
    create: async (
      region: string,
      identifier: string,
      more: Partial<CreateDBInstanceMessage> = {},
    ) => {
      await rds(region).send(
        new CreateDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          DBInstanceClass: 'db.t3.micro',
          Engine: 'postgres',
          AllocatedStorage: 20,
          DBName: 'appdb',
          BackupRetentionPeriod: 7,
          PreferredBackupWindow: quietBackupWindow(),
          ...MASTER,
          ...more,
        }),
      )
      return await untilSaid(region, identifier, (one) =>
        expect(one?.DBInstanceStatus).toBe('available'),
      )
    },
    replicate: async (
      region: string,
      identifier: string,
      source: DBInstance,
      more: Partial<CreateDBInstanceReadReplicaMessage> = {},
    ) => {
      const answer = await rds(region).send(
        new CreateDBInstanceReadReplicaCommand({
          DBInstanceIdentifier: identifier,
          SourceDBInstanceIdentifier: source.DBInstanceArn,
          ...more,
        }),
      )
      return answer.DBInstance ?? {}
    },
  }
}
