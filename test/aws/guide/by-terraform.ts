import { Resolver } from 'node:dns/promises'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { RDS } from '@aws-sdk/client-rds'
import { Route53 } from '@aws-sdk/client-route-53'
import {
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RegionClient } from '../../../src/aws/region-client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { rulesHome } from '../../../src/recovery/objects/rules-home.ts'
import { until } from '../../trials/trial-region.ts'
import { outputOf } from '../clients/program.ts'
import {
  AWS_IS_REQUIRED,
  hasTerraform,
  PLUGINS,
  providerFor,
  withoutTerraform,
} from '../clients/terraform.ts'
import { HERE, THERE, twoRegions } from '../s3/two-regions.ts'

/** Terraform waits for databases and records by the minute: without this, its short form applies buckets and their replication. */
const isWhole = process.env.LIFEBOAT_GUIDE === 'whole'
const PARTS = isWhole ? ['replication.tf', 'database.tf', 'other-region.tf'] : ['replication.tf']

const SOURCE = 'my-app-data-ap-southeast-1'
const DESTINATION = 'my-app-data-us-east-1'
const UNPROTECTED = ['-var', 'is_protected=false'] as const

export function guideByTerraform(): void {
  describe.skipIf(!hasTerraform)(`the guide, by Terraform${withoutTerraform}`, () => {
    const world = twoRegions({ checkSpeed: 100 })
    let folder: string
    let environment: Record<string, string>
    let application: Server
    let isWell = true

    beforeAll(async () => {
      application = createServer((_, response) => response.writeHead(isWell ? 200 : 503).end())
      await new Promise<void>((listening) => application.listen(0, '127.0.0.1', listening))
      folder = await mkdtemp(join(tmpdir(), 'lifeboat-terraform-'))
      const { endpoint, credentials } = world.client(HERE)
      environment = {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        CHECKPOINT_DISABLE: '1',
        // Terraform warns of variables that it is given and the configuration lacks, and goes on.
        TF_VAR_application_port: `${(application.address() as AddressInfo).port}`,
      }
      for (const part of PARTS) {
        await copyFile(join(import.meta.dirname, part), join(folder, part))
      }
      await writeFile(join(folder, 'providers.tf'), providers(endpoint))
      await terraform('init', `-plugin-dir=${PLUGINS}`)
    })
    afterAll(async () => {
      application.closeAllConnections()
      application.close()
      await rm(folder, { recursive: true, force: true })
    })

    const terraform = (verb: string, ...options: string[]) =>
      outputOf('terraform', [`-chdir=${folder}`, verb, '-no-color', ...options], environment)
    /** Nothing in the guide says what comes first, and AWS refuses the wrong order: then it is to be said again. */
    const twice = async (refusal: string, ...command: [string, ...string[]]) => {
      await terraform(...command).catch(async (error: { stderr?: string }) => {
        expect(error.stderr).toContain(refusal)
        await terraform(...command)
      })
    }
    const rds = (region: string) => new RDS(world.client(region))
    const answer = async () => {
      const resolver = new Resolver({ timeout: 2_000, tries: 2 })
      resolver.setServers([(await world.home().status()).dnsAddress!])
      return (await resolver.resolve4('app.my-app.test')).join()
    }

    test('is applied, plans nothing more, does what it says, and is destroyed', async () => {
      await twice('Destination bucket must have versioning enabled', 'apply', '-auto-approve')
      expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes.')

      await replicates()
      await comesHome()
      if (isWhole) await worksInBothRegions()
      expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes.')

      if (isWhole) await isProtected()
      await isDestroyed()
    }, 1_200_000)

    /** Objects and deletions travel, and are then removed, as no bucket is deleted that holds some. */
    async function replicates() {
      const at = { Bucket: SOURCE, Key: 'receipts/5/1.txt' }
      await world.s3(HERE).send(new PutObjectCommand({ ...at, Body: 'paid', Tagging: 'a=b' }))
      await until('it is complete', 60_000, async () => {
        return (await world.status(HERE, SOURCE, at.Key)) === 'COMPLETED'
      })
      const there = { ...at, Bucket: DESTINATION }
      const got = await world.s3(THERE).send(new GetObjectCommand(there))
      expect(await got.Body!.transformToString()).toBe('paid')
      expect(got).toMatchObject({ ReplicationStatus: 'REPLICA', TagCount: 1 })
      await world.s3(HERE).send(new DeleteObjectCommand(at))
      await until('the marker is there', 60_000, async () => {
        return (await world.versions(THERE, DESTINATION)).length === 2
      })
      for (const [region, Bucket] of [
        [HERE, SOURCE],
        [THERE, DESTINATION],
      ] as const) {
        for (const { key: Key, versionId: VersionId } of await world.versions(region, Bucket)) {
          await world.s3(region).send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
        }
      }
    }

    /** What Lifeboat prints for the way home is Terraform's own, as it is. */
    async function comesHome() {
      const [here, there] = [HERE, THERE].map(
        (region) => new RegionClient({ ...world.client(region), clock: systemClock }),
      ) as [RegionClient, RegionClient]
      const replica = { bucket: DESTINATION, region: THERE }
      const bucket = {
        bucket: SOURCE,
        prefixes: ['receipts/', '%{x}"/'],
        references: [],
        replica,
      }
      const printed = await rulesHome(bucket, here.buckets, there.buckets)
      here.close()
      there.close()
      const file = join(folder, 'home.tf')
      await writeFile(file, printed.terraform)
      await terraform('apply', '-auto-approve')
      expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes.')
      const { ReplicationConfiguration: found } = await world
        .s3(THERE)
        .send(new GetBucketReplicationCommand({ Bucket: DESTINATION }))
      expect(found).toEqual(printed.configuration)
      await rm(file)
      await terraform('apply', '-auto-approve')
    }

    /** The public name follows the application's health. */
    async function fails() {
      expect(await answer()).toBe('127.0.0.11')
      isWell = false
      await until('the second one answers', 60_000, async () => (await answer()) === '127.0.0.12')
      isWell = true
      await until('the first one answers', 60_000, async () => (await answer()) === '127.0.0.11')
    }

    /** The copy of the database is encrypted and has no backups of its own, and clients find the secret on both sides. */
    async function worksInBothRegions() {
      await fails()
      const { DBInstances: replicas = [] } = await rds(THERE).describeDBInstances()
      expect(replicas).toMatchObject([{ StorageEncrypted: true, BackupRetentionPeriod: 0 }])
      const secrets = new SecretsManager(world.client(THERE))
      const { SecretString } = await secrets.getSecretValue({ SecretId: 'my-app/db' })
      const { DBInstances: databases = [] } = await rds(HERE).describeDBInstances()
      expect(JSON.parse(SecretString!).port).toBe(databases[0]?.Endpoint?.Port)
    }

    /** Nothing destroys the database until its protection is taken away. */
    async function isProtected() {
      const refused = await terraform('destroy', '-auto-approve').then(
        () => '',
        (error: { stderr?: string }) => error.stderr,
      )
      expect(refused).toContain('Cannot delete protected DB Instance')
      const { DBInstances: kept = [] } = await rds(HERE).describeDBInstances()
      expect(kept).toMatchObject([{ DBInstanceIdentifier: 'my-app-db', DeletionProtection: true }])
      await terraform('apply', '-auto-approve', ...UNPROTECTED, '-target', 'aws_db_instance.main')
    }

    /** Nothing is left but the snapshot that the guide asks for. */
    async function isDestroyed() {
      const refusal = 'A replication configuration is present on this bucket'
      await twice(refusal, 'destroy', '-auto-approve', ...(isWhole ? UNPROTECTED : []))
      for (const region of [HERE, THERE]) {
        expect((await rds(region).describeDBInstances()).DBInstances).toEqual([])
        const alarms = await new CloudWatch(world.client(region)).describeAlarms()
        expect(alarms.MetricAlarms).toEqual([])
        const { SecretList } = await new SecretsManager(world.client(region)).listSecrets()
        expect(SecretList).toEqual([])
      }
      const { DBSnapshots = [] } = await rds(HERE).describeDBSnapshots({ SnapshotType: 'manual' })
      expect(DBSnapshots.map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier)).toEqual(
        isWhole ? ['my-app-db-final-snapshot'] : [],
      )
      const names = new Route53(world.client(THERE))
      expect((await names.listHostedZones()).HostedZones).toEqual([])
      expect((await names.listHealthChecks()).HealthChecks).toEqual([])
      for (const [region, bucket] of [
        [HERE, SOURCE],
        [THERE, DESTINATION],
      ] as const) {
        await expect(world.versions(region, bucket)).rejects.toMatchObject({ name: 'NoSuchBucket' })
      }
    }
  })
}

function providers(endpoint: string): string {
  const services = 'rds s3 iam sts route53 secretsmanager cloudwatch kms'.split(' ')
  const provider = (region: string, ...more: string[]) =>
    providerFor({ region, endpoint, services, more: ['s3_use_path_style = true', ...more] })
  return `${AWS_IS_REQUIRED}${provider(HERE)}${provider(THERE, 'alias = "us_east_1"')}`
}
