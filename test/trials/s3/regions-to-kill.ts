import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { type ReplicationRule, S3, S3ServiceException } from '@aws-sdk/client-s3'
import { systemClock } from '../../../src/core/clock.ts'
import { Region } from '../../../src/region/region.ts'
import { HERE, THERE } from '../../aws/s3/two-regions.ts'
import { type CallPoint, freePort, KillableRegion } from './killable-region.ts'
import type { SeenUpload, SeenVersion } from './s3-ledger.ts'

const CREDENTIALS = {
  accessKeyId: 'AKIALIFEBOATTEST0001',
  secretAccessKey: 'killed-regions-sign-with-this-secret-000',
}
/** Longer bodies have files of their own. */
const INLINE_BYTES = 16 << 10
const READ_AT_ONCE = 16
const TEXT_BYTES = 1000

type ListedVersion = Omit<SeenVersion, 'hash' | 'text'>

/**
 * Bucket `source` is replicated to bucket `copy` there. Beside it are `own`, which is versioned, `plain`, which is not, and `expiring`, in which
 * rules take away what begins with `old/`.
 */
export const BUCKETS = ['own', 'plain', 'source', 'expiring'] as const

/** Two regions of one home that are killed and started again, and clients in a process of their own that are not. */
export class RegionsToKill {
  readonly ledgerFile: string
  #clients: ChildProcess | undefined
  #isQuiet = true

  private constructor(
    private readonly folder: string,
    private readonly regions: Readonly<Record<string, KillableRegion>>,
    private readonly s3ByRegion: Readonly<Record<string, S3>>,
  ) {
    this.ledgerFile = join(folder, 'ledger')
  }

  /** @param nextPoint  where the process of a region that will be started next is killed by itself */
  static async start(nextPoint: () => CallPoint | undefined): Promise<RegionsToKill> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-killed-s3-'))
    await chmod(folder, 0o711)
    const portByRegion = new Map([
      [HERE, await freePort()],
      [THERE, await freePort()],
    ])
    const endpointOf = (name: string) => `http://127.0.0.1:${portByRegion.get(name)}`
    let isPrepared = false
    const region = (name: string, other: string) => {
      const port = portByRegion.get(name)!
      const own = join(folder, 'regions', name)
      const identity = { name, home: folder, folder: own, port, endpoint: endpointOf(other) }
      const nextPointHere = () => (isPrepared ? nextPoint() : undefined)
      return KillableRegion.prepare({ ...identity, credentials: CREDENTIALS }, nextPointHere)
    }
    const regions = { [HERE]: region(HERE, THERE), [THERE]: region(THERE, HERE) }
    const client = (name: string) => ({
      ...{ region: name, endpoint: endpointOf(name), credentials: CREDENTIALS, maxAttempts: 1 },
    })
    const s3 = (name: string) => new S3({ ...client(name), forcePathStyle: true })
    const world = new RegionsToKill(folder, regions, { [HERE]: s3(HERE), [THERE]: s3(THERE) })
    try {
      await writeFile(world.ledgerFile, '')
      await world.revive()
      await world.#prepare(await replicationRole(folder))
      isPrepared = true
      world.#clients = spawnClients(world.ledgerFile, endpointOf(HERE))
      return world
    } catch (error) {
      await world.end()
      throw error
    }
  }

  region(name: string): KillableRegion {
    return this.regions[name]!
  }

  s3(region: string): S3 {
    return this.s3ByRegion[region]!
  }

  /** Starts what is dead, until it is open. Tells how often one died on the way. */
  async revive(): Promise<number> {
    let died = 0
    for (const name of [HERE, THERE]) {
      while (this.region(name).isDead) if (!(await this.region(name).start())) died += 1
    }
    return died
  }

  go(round: number): void {
    this.#isQuiet = false
    this.#clients!.once('message', () => {
      this.#isQuiet = true
    })
    this.#clients!.send({ do: 'go', round })
  }

  /** Nothing is under way any more, and all that was answered is in the ledger. */
  async quiet(): Promise<void> {
    if (this.#isQuiet) return
    const told = once(this.#clients!, 'message')
    this.#clients!.send({ do: 'stop' })
    await told
  }

  /** Every version of a bucket, newest first under each key, read to its end. */
  async versions(region: string, bucket: string): Promise<SeenVersion[]> {
    const listed = await this.listed(region, bucket)
    const seen: SeenVersion[] = []
    for (let at = 0; at < listed.length; at += READ_AT_ONCE) {
      const some = listed.slice(at, at + READ_AT_ONCE)
      seen.push(...(await Promise.all(some.map((version) => this.#read(region, version)))))
    }
    return seen
  }

  async uploads(region: string, bucket: string): Promise<SeenUpload[]> {
    const { Uploads = [] } = await this.s3(region).listMultipartUploads({ Bucket: bucket })
    return await Promise.all(
      Uploads.map(async ({ Key, UploadId: uploadId = '' }) => {
        const at = { Bucket: bucket, Key, UploadId: uploadId }
        const { Parts = [] } = await this.s3(region).listParts(at)
        return { bucket, uploadId, parts: Parts.map(({ PartNumber = 0 }) => PartNumber) }
      }),
    )
  }

  /** Safe to call again. */
  async abortUploads(region: string, bucket: string): Promise<void> {
    const { Uploads = [] } = await this.s3(region).listMultipartUploads({ Bucket: bucket })
    for (const { Key, UploadId } of Uploads) {
      await this.s3(region).abortMultipartUpload({ Bucket: bucket, Key, UploadId })
    }
  }

  /** Safe to call again. */
  async removeVersions(
    region: string,
    bucket: string,
    versions: readonly Pick<SeenVersion, 'key' | 'versionId'>[],
  ): Promise<void> {
    if (versions.length === 0) return
    const Objects = versions.map(({ key: Key, versionId: VersionId }) => ({ Key, VersionId }))
    const { Errors = [] } = await this.s3(region).deleteObjects({
      Bucket: bucket,
      Delete: { Objects },
    })
    if (Errors.length > 0) throw new Error(`not removed: ${JSON.stringify(Errors)}`)
  }

  /** How many files hold the bytes of objects in a region, or of what was to become one. */
  async files(region: string): Promise<number> {
    const blobs = join(this.folder, 'regions', region, 's3', 'objects', 'blobs')
    const all = await readdir(blobs, { recursive: true, withFileTypes: true })
    return all.filter((entry) => entry.isFile()).length
  }

  async end(): Promise<void> {
    this.#clients?.kill('SIGKILL')
    for (const name of [HERE, THERE]) {
      await this.region(name).close()
      this.s3(name).destroy()
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  async listed(region: string, bucket: string): Promise<ListedVersion[]> {
    const found: ListedVersion[] = []
    let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
    for (;;) {
      const page = await this.s3(region).listObjectVersions({ Bucket: bucket, ...markers })
      const versions = (page.Versions ?? []).map((one) => ({ ...one, isMarker: false }))
      const deleted = (page.DeleteMarkers ?? []).map((one) => ({
        ...one,
        ETag: '',
        Size: 0,
        isMarker: true,
      }))
      for (const { Key = '', VersionId = '', ETag = '', Size = 0, isMarker } of [
        ...versions,
        ...deleted,
      ]) {
        found.push({
          bucket,
          key: Key,
          versionId: VersionId,
          isMarker,
          etag: ETag,
          sizeBytes: Size,
        })
      }
      if (!page.IsTruncated) return found
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
  }

  async #read(region: string, version: ListedVersion): Promise<SeenVersion> {
    if (version.isMarker) return { ...version, hash: '', text: '' }
    const { bucket: Bucket, key: Key, versionId: VersionId } = version
    try {
      const { Body } = await this.s3(region).getObject({ Bucket, Key, VersionId })
      const bytes = Buffer.from(await Body!.transformToByteArray())
      const text = bytes.length < TEXT_BYTES ? bytes.toString() : ''
      return { ...version, hash: createHash('sha256').update(bytes).digest('hex'), text }
    } catch (error) {
      // Without an answer nothing is known of the version.
      if (!(error instanceof S3ServiceException)) throw error
      return { ...version, hash: `${error}`, text: '' }
    }
  }

  async #prepare(role: string): Promise<void> {
    const location = { LocationConstraint: HERE } as const
    for (const Bucket of BUCKETS) {
      await this.s3(HERE).createBucket({ Bucket, CreateBucketConfiguration: location })
    }
    await this.s3(THERE).createBucket({ Bucket: 'copy' })
    const VersioningConfiguration = { Status: 'Enabled' } as const
    for (const Bucket of ['own', 'source', 'expiring']) {
      await this.s3(HERE).putBucketVersioning({ Bucket, VersioningConfiguration })
    }
    await this.s3(THERE).putBucketVersioning({ Bucket: 'copy', VersioningConfiguration })
    await this.s3(HERE).putBucketLifecycleConfiguration({
      Bucket: 'expiring',
      LifecycleConfiguration: { Rules: EXPIRY.map((rule) => ({ ...OLD, ...rule })) },
    })
    const rule = {
      ...{ ID: 'all', Status: 'Enabled', Prefix: '', Destination: { Bucket: 'arn:aws:s3:::copy' } },
    } satisfies ReplicationRule
    const configuration = { Role: role, Rules: [rule] }
    await this.s3(HERE).putBucketReplication({
      Bucket: 'source',
      ReplicationConfiguration: configuration,
    })
  }
}

const OLD = { Status: 'Enabled', Filter: { Prefix: 'old/' } } as const
const EXPIRY = [
  { ID: 'current', Expiration: { Date: new Date('2020-01-01T00:00:00Z') } },
  { ID: 'noncurrent', NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
  { ID: 'markers', Expiration: { ExpiredObjectDeleteMarker: true } },
]

/** A role that S3 may assume and that may do all, made over HTTP: in a region of its own, which is not killed. */
async function replicationRole(home: string): Promise<string> {
  const region = await Region.open({
    ...{ name: HERE, folder: join(home, 'identity'), credentials: CREDENTIALS, binaries: [] },
    ...{ clock: systemClock, templates: join(home, 'templates') },
    iam: { folder: join(home, 'iam'), delayMs: 0 },
  })
  const { port } = await region.listen()
  const iam = new IAMClient({
    ...{ region: HERE, endpoint: `http://127.0.0.1:${port}`, credentials: CREDENTIALS },
  })
  const trust = {
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sts:AssumeRole',
  }
  const RoleName = 'replication'
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policy(trust) }),
  )
  const PolicyDocument = policy({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument }))
  iam.destroy()
  await region.close()
  return Role!.Arn!
}

/** How many of some pieces have files of their own. */
export function filesFor(pieces: readonly number[]): number {
  return pieces.filter((sizeBytes) => sizeBytes > INLINE_BYTES).length
}

function policy(...Statement: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

function spawnClients(ledgerFile: string, endpoint: string): ChildProcess {
  const program = fileURLToPath(new URL('./busy-clients.mjs', import.meta.url))
  return spawn(process.execPath, [program, ledgerFile, endpoint], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  })
}
