import { S3 } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('CreateBucket, HeadBucket, ListBuckets, GetBucketLocation, DeleteBucket', () => {
  const region = s3UnderTest()
  const names = async () => (await region.sdk().listBuckets()).Buckets!.map(({ Name }) => Name)

  test('a bucket is made, told, listed and deleted', async () => {
    const made = await region.sdk().createBucket({ Bucket: 'made' })
    expect(made.Location).toBe('/made')
    const head = await region.sdk().headBucket({ Bucket: 'made' })
    expect(head.BucketRegion).toBe('ap-southeast-1')
    const location = await region.sdk().getBucketLocation({ Bucket: 'made' })
    expect(location.LocationConstraint).toBe('ap-southeast-1')
    const listed = await region.sdk().listBuckets()
    expect(listed.Buckets).toEqual([{ Name: 'made', CreationDate: expect.any(Date) }])
    expect(listed.Owner?.ID).toMatch(/^[0-9a-f]{64}$/)

    await region.sdk().deleteBucket({ Bucket: 'made' })
    expect(await refused(region.sdk().headBucket({ Bucket: 'made' }))).toMatchObject({
      code: 'NotFound',
      status: 404,
    })
    expect(await names()).toEqual([])
  })

  test('refuses a name that is taken, and keeps what is in it', async () => {
    await region.bucket('taken')
    await region.sdk().putObject({ Bucket: 'taken', Key: 'k', Body: 'kept' })
    const again = await refused(region.sdk().createBucket({ Bucket: 'taken' }))
    expect(again).toMatchObject({ code: 'BucketAlreadyOwnedByYou', status: 409 })
    expect(await region.text('taken', 'k')).toBe('kept')
  })

  test('refuses names that no bucket may have', async () => {
    for (const Bucket of ['Upper', 'under_score', '1.2.3.4', 'a']) {
      const outcome = await refused(region.sdk().createBucket({ Bucket }))
      expect(outcome).toMatchObject({ code: 'InvalidBucketName', status: 400 })
    }
  })

  test('refuses another location', async () => {
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const
    const call = region.sdk().createBucket({ Bucket: 'elsewhere', CreateBucketConfiguration })
    expect((await refused(call)).code).toBe('IllegalLocationConstraintException')
    expect(await names()).not.toContain('elsewhere')
  })

  test('refuses to delete what holds a version, and what is not there', async () => {
    await region.bucket('full', { isVersioned: true })
    const put = await region.sdk().putObject({ Bucket: 'full', Key: 'k', Body: 'x' })
    const marker = await region.sdk().deleteObject({ Bucket: 'full', Key: 'k' })
    const call = () => region.sdk().deleteBucket({ Bucket: 'full' })
    expect(await refused(call())).toMatchObject({ code: 'BucketNotEmpty', status: 409 })
    for (const VersionId of [put.VersionId!, marker.VersionId!]) {
      await region.sdk().deleteObject({ Bucket: 'full', Key: 'k', VersionId })
    }
    await call()
    expect(await refused(call())).toMatchObject({ code: 'NoSuchBucket', status: 404 })
  })

  test('lists in pages', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await region.bucket(name)
    const first = await region.sdk().listBuckets({ Prefix: 'page-', MaxBuckets: 2 })
    expect(first.Buckets!.map(({ Name }) => Name)).toEqual(['page-a', 'page-b'])
    const { ContinuationToken } = first
    const rest = await region
      .sdk()
      .listBuckets({ Prefix: 'page-', MaxBuckets: 2, ContinuationToken: ContinuationToken! })
    expect(rest.Buckets!.map(({ Name }) => Name)).toEqual(['page-c'])
    expect(rest.ContinuationToken).toBeUndefined()
  })

  test('is addressed by its host as well', async () => {
    await region.bucket('hosted')
    const endpoint = `http://localhost:${region.port()}`
    const s3 = new S3({ ...region.client(), endpoint, forcePathStyle: false })
    const hosts: string[] = []
    s3.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { hostname: string; headers: Record<string, string> }
        hosts.push(request.hostname)
        // What resolves *.localhost differs between machines.
        request.hostname = '127.0.0.1'
        return await next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    await s3.putObject({ Bucket: 'hosted', Key: 'a/b c', Body: 'by host' })
    expect(hosts).toEqual(['hosted.localhost'])
    expect(await region.text('hosted', 'a/b c')).toBe('by host')
  })

  test('is still there after the region was closed and opened again', async () => {
    await region.bucket('durable')
    await region.sdk().putObject({ Bucket: 'durable', Key: 'k', Body: 'kept' })
    await region.restart()
    expect(await names()).toContain('durable')
    expect(await region.text('durable', 'k')).toBe('kept')
  })
})
