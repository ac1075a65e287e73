import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

const hasCli = runs('aws', ['--version'])

describe.skipIf(!hasCli)(`the plain aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`, () => {
  const region = s3UnderTest()
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-cli-'))
    await writeFile(join(folder, 'config'), '[default]\ns3 =\n  signature_version = s3v4\n')
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })
  const aws = async (...args: string[]) =>
    await outputOf('aws', [...args, '--output', 'json'], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
      // Its own choice for presigned URLs is version 2, which S3 does not take for new buckets.
      AWS_CONFIG_FILE: join(folder, 'config'),
    })

  test('synchronizes a folder there and back, in one piece and in parts', async () => {
    const source = join(folder, 'source')
    const large = Buffer.from(Uint8Array.from({ length: 20_000_003 }, (_, index) => index % 253))
    await mkdir(join(source, 'deep er/é'), { recursive: true })
    await writeFile(join(source, 'deep er/é/a+b.txt'), 'small')
    await writeFile(join(source, 'empty'), '')
    await writeFile(join(source, 'large.bin'), large)
    await aws('s3', 'mb', 's3://cli')
    await aws('s3', 'sync', source, 's3://cli/there', '--only-show-errors')
    const head = await region.sdk().headObject({ Bucket: 'cli', Key: 'there/large.bin' })
    expect(head.ETag).toMatch(/-3"$/)
    const back = join(folder, 'back')
    await aws('s3', 'sync', 's3://cli/there', back, '--only-show-errors')
    expect(await readFile(join(back, 'deep er/é/a+b.txt'), 'utf8')).toBe('small')
    expect((await readFile(join(back, 'empty'))).length).toBe(0)
    expect((await readFile(join(back, 'large.bin'))).equals(large)).toBe(true)

    await rm(join(source, 'empty'))
    const told = await aws('s3', 'sync', source, 's3://cli/there', '--delete')
    expect(told).toContain('delete: s3://cli/there/empty')
    expect(told).not.toContain('upload:')
    await aws('s3', 'cp', 's3://cli/there/large.bin', 's3://cli/copy', '--only-show-errors')
    const copy = await region.sdk().headObject({ Bucket: 'cli', Key: 'copy' })
    expect(copy.ContentLength).toBe(large.length)
    const url = await aws('s3', 'presign', 's3://cli/there/deep er/é/a+b.txt')
    expect(await (await fetch(url.trim())).text()).toBe('small')
    await aws('s3', 'rb', 's3://cli', '--force')
    expect(JSON.parse(await aws('s3api', 'list-buckets')).Buckets).toEqual([])
  })

  test('keeps versions and settings, and prints errors as those of AWS', async () => {
    const api = async (operation: string, ...args: string[]) => {
      const output = await aws('s3api', operation, '--bucket', 'api', ...args)
      return output === '' ? {} : JSON.parse(output)
    }
    await api('create-bucket', '--create-bucket-configuration', `LocationConstraint=${REGION}`)
    await api('put-bucket-versioning', '--versioning-configuration', 'Status=Enabled')
    const file = join(folder, 'body')
    await writeFile(file, 'content')
    const put = await api('put-object', '--key', 'k', '--body', file, '--metadata', 'a=b')
    expect(put.VersionId).toEqual(expect.any(String))
    const got = await api('get-object', '--key', 'k', join(folder, 'got'))
    expect(got).toMatchObject({ Metadata: { a: 'b' }, ContentLength: 7, VersionId: put.VersionId })
    expect(await readFile(join(folder, 'got'), 'utf8')).toBe('content')
    const removed = await api('delete-object', '--key', 'k')
    expect(removed.DeleteMarker).toBe(true)
    const listed = await api('list-object-versions')
    expect(listed.DeleteMarkers).toHaveLength(1)
    expect(listed.Versions).toHaveLength(1)
    await expect(api('get-object', '--key', 'k', join(folder, 'got'))).rejects.toThrow(
      'An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.',
    )
    const rule = {
      Status: 'Enabled',
      Filter: {},
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    }
    const rules = JSON.stringify({ Rules: [rule] })
    await api('put-bucket-lifecycle-configuration', '--lifecycle-configuration', rules)
    expect((await api('get-bucket-lifecycle-configuration')).Rules).toMatchObject([rule])
    await expect(api('get-bucket-replication')).rejects.toThrow(
      '(ReplicationConfigurationNotFoundError)',
    )
    expect(region.errors).toEqual([])
  })
})
