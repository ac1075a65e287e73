import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  type ReplicationConfiguration,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import { RegionHome } from '../../../src/region/region-home.ts'
import { until } from '../../trials/trial-region.ts'

export const HERE = 'ap-southeast-1'
export const THERE = 'us-east-1'

/** Every action that the guide gives to its role, and on what: the source or the destination, bucket or objects. */
export const GUIDES_ACTIONS: readonly (readonly [string, 'source' | 'destination', boolean])[] = [
  ['s3:GetReplicationConfiguration', 'source', false],
  ['s3:ListBucket', 'source', false],
  ['s3:GetObjectVersionForReplication', 'source', true],
  ['s3:GetObjectVersionAcl', 'source', true],
  ['s3:GetObjectVersionTagging', 'source', true],
  ['s3:ReplicateObject', 'destination', true],
  ['s3:ReplicateDelete', 'destination', true],
  ['s3:ReplicateTags', 'destination', true],
]

/**
 * Two regions of one home, each a process group of its own, for a test file.
 *
 * @param checkSpeed  how many times faster than on AWS health checks are made
 */
export function twoRegions({ checkSpeed = 1 }: { checkSpeed?: number } = {}) {
  let folder: string
  let home: RegionHome
  let endpoint: string
  let credentials: { accessKeyId: string; secretAccessKey: string }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-two-regions-'))
    await chmod(folder, 0o711)
    home = new RegionHome(join(folder, 'home'))
    endpoint = (await home.start([HERE, THERE], { port: 0, detach: true, checkSpeed })).endpoint
    const environment = await home.environment()
    credentials = {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    }
  })
  afterAll(async () => {
    for (const made of s3ByRegion.values()) made.destroy()
    iamClient?.destroy()
    await home.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (region: string, maxAttempts = 1) => ({
    region,
    endpoint,
    credentials,
    maxAttempts,
  })
  // Each client has connections of its own, and a gateway takes so many at a time.
  const s3ByRegion = new Map<string, S3Client>()
  const s3 = (region: string): S3Client => {
    const known = s3ByRegion.get(region)
    if (known) return known
    const made = new S3Client({ ...client(region), forcePathStyle: true })
    s3ByRegion.set(region, made)
    return made
  }
  let iamClient: IAMClient | undefined
  const iam = () => {
    iamClient ??= new IAMClient(client(THERE))
    return iamClient
  }

  const groupOf = async (region: string) => {
    const { regions } = await home.status()
    return regions.find(({ name }) => name === region)?.pid
  }

  return {
    home: () => home,
    client,
    s3,
    iam,
    /** `kill -9` of all processes of a region; resolves when its leader is gone. */
    kill: async (region: string) => {
      const group = await groupOf(region)
      if (group === undefined) throw new Error(`region ${region} does not run`)
      process.kill(-group, 'SIGKILL')
      await until('the region is gone', 60_000, async () => (await groupOf(region)) === undefined)
    },
    start: async (region: string) => {
      await home.start([region])
    },
    /** A versioned bucket. */
    bucket: async (region: string, name: string, isLocked = false) => {
      const location = region === 'us-east-1' ? undefined : { LocationConstraint: region as never }
      const at = s3(region)
      await at.send(
        new CreateBucketCommand({
          Bucket: name,
          CreateBucketConfiguration: location,
          ObjectLockEnabledForBucket: isLocked,
        }),
      )
      await at.send(
        new PutBucketVersioningCommand({
          Bucket: name,
          VersioningConfiguration: { Status: 'Enabled' },
        }),
      )
      return name
    },
    /** A role that S3 may assume, with the rights of the guide's policy but those left out. */
    role: async (name: string, source: string, destinations: readonly string[], without = '') => {
      const { Role } = await iam().send(
        new CreateRoleCommand({
          RoleName: name,
          AssumeRolePolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 's3.amazonaws.com' },
                Action: 'sts:AssumeRole',
              },
            ],
          }),
        }),
      )
      await grant(name, source, destinations, without)
      return Role!.Arn!
    },
    grant: (name: string, source: string, destinations: readonly string[], without = '') =>
      grant(name, source, destinations, without),
    revoke: async (name: string) => {
      await iam().send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: 'replicate' }))
    },
    replicate: async (
      region: string,
      source: string,
      role: string,
      rules: ReplicationConfiguration['Rules'],
    ) => {
      await s3(region).send(
        new PutBucketReplicationCommand({
          Bucket: source,
          ReplicationConfiguration: { Role: role, Rules: rules },
        }),
      )
    },
    status: async (region: string, bucket: string, key: string, versionId?: string) => {
      const head = await s3(region).send(
        new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }),
      )
      return head.ReplicationStatus as string | undefined
    },
    /** All versions of a bucket, newest first for each key, delete markers among them. */
    versions: async (region: string, bucket: string) => await versionsOf(s3(region), bucket),
  }

  async function grant(
    name: string,
    source: string,
    destinations: readonly string[],
    without: string,
  ): Promise<void> {
    const statements = GUIDES_ACTIONS.filter(([action]) => action !== without).map(
      ([Action, side, isObject]) => ({
        Effect: 'Allow',
        Action,
        Resource: (side === 'source' ? [source] : destinations).map(
          (bucket) => `arn:aws:s3:::${bucket}${isObject ? '/*' : ''}`,
        ),
      }),
    )
    await iam().send(
      new PutRolePolicyCommand({
        RoleName: name,
        PolicyName: 'replicate',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
      }),
    )
  }
}

export interface ListedVersion {
  readonly key: string
  readonly versionId: string
  readonly isLatest: boolean
  readonly isMarker: boolean
  readonly etag: string
  readonly modifiedAt: string
}

export async function versionsOf(s3: S3Client, bucket: string): Promise<ListedVersion[]> {
  const found: ListedVersion[] = []
  let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, ...markers }))
    const versions = (page.Versions ?? []).map((version) => ({ ...version, isMarker: false }))
    const deleted = (page.DeleteMarkers ?? []).map((version) => ({
      ...version,
      ETag: '',
      isMarker: true,
    }))
    for (const version of [...versions, ...deleted]) {
      found.push({
        key: version.Key!,
        versionId: version.VersionId!,
        isLatest: version.IsLatest === true,
        isMarker: version.isMarker,
        etag: version.ETag ?? '',
        modifiedAt: version.LastModified!.toISOString(),
      })
    }
    if (!page.IsTruncated) break
    markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
  }
  return found.sort(
    (a, b) =>
      compare(a.key, b.key) ||
      compare(b.modifiedAt, a.modifiedAt) ||
      compare(b.versionId, a.versionId),
  )
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
