import type {
  ChangeTagsForResourceRequest,
  ListTagsForResourceRequest,
  ListTagsForResourcesRequest,
  Tag,
} from '../../protocol/models/route-53.ts'
import type { TaggedKind, TagsRecord } from '../records.ts'
import { invalidInput, type Route53 } from '../route53.ts'

const MAX_TAGS = 50
const MAX_IDS = 10

/** ChangeTagsForResource: removes tags and adds or replaces others. */
export async function changeTagsForResource(route53: Route53, input: ChangeTagsForResourceRequest) {
  const kind = taggedKind(input.ResourceType)
  const added = checkedTags(input.AddTags ?? [])
  const removed = new Set([...(input.RemoveTagKeys ?? []), ...added.map(({ Key }) => Key)])
  if (removed.size === 0) throw invalidInput('Invalid request: no tags to add or to remove.')
  const { directory } = route53
  directory.write((edit) => {
    const id = taggedId(route53, kind, input.ResourceId)
    const kept = directory.tags(kind, id).filter(({ Key }) => !removed.has(Key))
    const tags = [...kept, ...added]
    if (tags.length > MAX_TAGS) {
      throw invalidInput(`Invalid request: a resource has at most ${MAX_TAGS} tags.`)
    }
    edit.putTags(kind, id, tags)
  })
  return {}
}

/** ListTagsForResource: the tags of a hosted zone or a health check. */
export async function listTagsForResource(route53: Route53, input: ListTagsForResourceRequest) {
  const kind = taggedKind(input.ResourceType)
  return { ResourceTagSet: tagSet(route53, kind, input.ResourceId) }
}

/** ListTagsForResources: the tags of up to ten of a kind. */
export async function listTagsForResources(route53: Route53, input: ListTagsForResourcesRequest) {
  const kind = taggedKind(input.ResourceType)
  const ids = input.ResourceIds ?? []
  if (ids.length < 1 || ids.length > MAX_IDS) {
    throw invalidInput(`Invalid request: ResourceIds has 1 to ${MAX_IDS} elements.`)
  }
  return { ResourceTagSets: ids.map((id) => tagSet(route53, kind, id)) }
}

function tagSet(route53: Route53, kind: TaggedKind, asked: string | undefined) {
  const id = taggedId(route53, kind, asked)
  return { ResourceType: kind, ResourceId: id, Tags: [...route53.directory.tags(kind, id)] }
}

function taggedId(route53: Route53, kind: TaggedKind, id: string | undefined): string {
  return kind === 'hostedzone' ? route53.getZone(id).id : route53.getCheck(id).id
}

function taggedKind(type: string | undefined): TaggedKind {
  if (type === 'hostedzone' || type === 'healthcheck') return type
  throw invalidInput(`Invalid request: ResourceType '${type}' is not healthcheck or hostedzone.`)
}

function checkedTags(tags: readonly Tag[]): TagsRecord {
  const checked = tags.map(({ Key = '', Value = '' }) => {
    if (Key.length < 1 || Key.length > 128 || Value.length > 256) {
      throw invalidInput(
        `Invalid request: the tag '${Key}' has a key of 1 to 128 and a value of up to 256 characters.`,
      )
    }
    return { Key, Value }
  })
  if (new Set(checked.map(({ Key }) => Key)).size < checked.length) {
    throw invalidInput('Invalid request: a tag is there twice.')
  }
  return checked
}
