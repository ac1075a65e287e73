import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { route53UnderTest } from './route53-under-test.ts'

describe('ChangeTagsForResource, ListTagsForResource and ListTagsForResources', () => {
  const world = route53UnderTest()

  test('add, replace, remove and tell the tags of zones and of health checks', async () => {
    const zone = (await world.zone()).id.replace('/hostedzone/', '')
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'tags',
      HealthCheckConfig: { Type: 'CALCULATED', HealthThreshold: 0 },
    })
    for (const [ResourceType, ResourceId] of [
      ['hostedzone', zone],
      ['healthcheck', HealthCheck!.Id!],
    ] as const) {
      const about = { ResourceType, ResourceId }
      const tags = async () => (await world.api().listTagsForResource(about)).ResourceTagSet
      expect(await tags()).toEqual({ ...about, Tags: [] })
      const AddTags = [
        { Key: 'Name', Value: 'shop <1>' },
        { Key: 'b', Value: '' },
      ]
      await world.api().changeTagsForResource({ ...about, AddTags })
      expect(await tags()).toEqual({ ...about, Tags: AddTags })
      await world.api().changeTagsForResource({
        ...about,
        AddTags: [{ Key: 'Name', Value: 'other' }],
        RemoveTagKeys: ['b', 'absent'],
      })
      const { ResourceTagSets } = await world
        .api()
        .listTagsForResources({ ResourceType, ResourceIds: [ResourceId] })
      expect(ResourceTagSets).toEqual([{ ...about, Tags: [{ Key: 'Name', Value: 'other' }] }])
    }
  })

  test('refuse what is not there, and tags that are none', async () => {
    const ResourceType = 'hostedzone' as const
    const ResourceId = (await world.zone()).id.replace('/hostedzone/', '')
    const change = (more: object) =>
      world.api().changeTagsForResource({ ResourceType, ResourceId, ...more })
    const AddTags = [{ Key: 'a', Value: 'b' }]
    expect(await refusal(change({ ResourceId: 'Z0', AddTags }))).toBe('NoSuchHostedZone')
    expect(await refusal(change({ ResourceType: 'healthcheck', AddTags }))).toBe(
      'NoSuchHealthCheck',
    )
    for (const more of [
      { ResourceType: 'bucket', AddTags },
      {},
      { AddTags: [{ Key: '', Value: 'b' }] },
      { AddTags: [...AddTags, ...AddTags] },
      { AddTags: [{ Key: 'k'.repeat(129), Value: 'b' }] },
      { AddTags: Array.from({ length: 51 }, (_, n) => ({ Key: `${n}`, Value: '' })) },
    ]) {
      expect(await refusal(change(more))).toBe('InvalidInput')
    }
    const { ResourceTagSet } = await world.api().listTagsForResource({ ResourceType, ResourceId })
    expect(ResourceTagSet?.Tags).toEqual([])
  })
})
