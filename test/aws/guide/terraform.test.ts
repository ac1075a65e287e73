import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { outputOf, runs } from '../clients/program.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

/** A mirror of the provider, as nothing is downloaded here. */
const PLUGINS = process.env.TF_PLUGIN_DIR ?? '/opt/tf-plugins'
const hasTerraform = runs('terraform', ['version']) && existsSync(PLUGINS)

const SOURCE = 'my-app-data-ap-southeast-1'
const DESTINATION = 'my-app-data-us-east-1'

const why = hasTerraform ? '' : ' (skipped: needs terraform)'

describe.skipIf(!hasTerraform)(`the replication of the guide, by Terraform${why}`, () => {
  const world = twoRegions()
  let folder: string
  let environment: Record<string, string>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-terraform-'))
    const { region: _, endpoint, credentials } = world.client(HERE)
    environment = {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      CHECKPOINT_DISABLE: '1',
    }
    const guide = join(import.meta.dirname, 'guide-replication.tf')
    await copyFile(guide, join(folder, 'guide.tf'))
    await writeFile(join(folder, 'providers.tf'), providers(endpoint))
    await terraform('init', `-plugin-dir=${PLUGINS}`)
  }, 60_000)
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  const terraform = (verb: string, ...options: string[]) =>
    outputOf('terraform', [`-chdir=${folder}`, verb, '-no-color', ...options], environment)
  /** Nothing in the guide says what comes first, and AWS refuses the wrong order: then it is to be said again. */
  const twice = async (refusal: string, verb: string) => {
    await terraform(verb, '-auto-approve').catch(async (error: { stderr?: string }) => {
      expect(error.stderr).toContain(refusal)
      await terraform(verb, '-auto-approve')
    })
  }

  test('is applied, replicates, plans nothing more, and is destroyed', async () => {
    await twice('Destination bucket must have versioning enabled', 'apply')
    const plan = await terraform('plan', '-detailed-exitcode')
    expect(plan).toContain('No changes.')

    const at = { Bucket: SOURCE, Key: 'receipts/5/1.txt' }
    await world.s3(HERE).send(new PutObjectCommand({ ...at, Body: 'paid', Tagging: 'a=b' }))
    await until('it is complete', 15_000, async () => {
      return (await world.status(HERE, SOURCE, at.Key)) === 'COMPLETED'
    })
    const there = { ...at, Bucket: DESTINATION }
    const got = await world.s3(THERE).send(new GetObjectCommand(there))
    expect(await got.Body!.transformToString()).toBe('paid')
    expect(got).toMatchObject({ ReplicationStatus: 'REPLICA', TagCount: 1 })
    await world.s3(HERE).send(new DeleteObjectCommand(at))
    await until('the marker is there', 15_000, async () => {
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
    expect(await terraform('plan', '-detailed-exitcode')).toContain('No changes.')
    await twice('A replication configuration is present on this bucket', 'destroy')
    await expect(world.versions(HERE, SOURCE)).rejects.toMatchObject({ name: 'NoSuchBucket' })
    await expect(world.versions(THERE, DESTINATION)).rejects.toMatchObject({
      name: 'NoSuchBucket',
    })
  }, 300_000)
})

function providers(endpoint: string): string {
  const provider = (region: string, alias = '') => `
provider "aws" {
  ${alias}
  region                      = "${region}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  endpoints {
    s3  = "${endpoint}"
    iam = "${endpoint}"
    sts = "${endpoint}"
  }
}
`
  return `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
${provider(HERE)}
${provider(THERE, 'alias = "us_east_1"')}
`
}
