import type {
  ListTaskDefinitionFamiliesRequest,
  ListTaskDefinitionsRequest,
} from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { pageOf } from '../page.ts'

/** ListTaskDefinitions: active revisions unless others are asked for. Source: ECS API Reference, ListTaskDefinitions. */
export async function listTaskDefinitions(ecs: Ecs, input: ListTaskDefinitionsRequest) {
  const { status = 'ACTIVE', sort = 'ASC', familyPrefix } = input
  if (status === 'DELETE_IN_PROGRESS') return { taskDefinitionArns: [] }
  if (status !== 'ACTIVE' && status !== 'INACTIVE') throw invalidParameter('Invalid status.')
  if (sort !== 'ASC' && sort !== 'DESC') throw invalidParameter('Invalid sort.')
  const found = ecs
    .taskDefinitions()
    .filter((one) => one.status === status)
    .filter(({ family }) => familyPrefix === undefined || family === familyPrefix)
    .sort((a, b) => compare(a.family, b.family) || a.revision - b.revision)
  if (sort === 'DESC') found.reverse()
  const { items, next } = pageOf(found, input)
  return { taskDefinitionArns: items.map(({ arn }) => arn), ...next }
}

/**
 * ListTaskDefinitionFamilies: `ACTIVE` are those with an active revision, `INACTIVE` those without.
 *
 * Source: ECS API Reference, ListTaskDefinitionFamilies.
 */
export async function listTaskDefinitionFamilies(
  ecs: Ecs,
  input: ListTaskDefinitionFamiliesRequest,
) {
  const { status = 'ALL', familyPrefix = '' } = input
  if (!['ALL', 'ACTIVE', 'INACTIVE'].includes(status)) throw invalidParameter('Invalid status.')
  const all = ecs.taskDefinitions()
  const active = new Set(all.filter((one) => one.status === 'ACTIVE').map(({ family }) => family))
  const families = [...new Set(all.map(({ family }) => family))]
    .filter((family) => family.startsWith(familyPrefix))
    .filter((family) => status === 'ALL' || active.has(family) === (status === 'ACTIVE'))
    .sort(compare)
  const { items, next } = pageOf(families, input)
  return { families: items, ...next }
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
