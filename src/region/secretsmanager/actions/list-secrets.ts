import type { Filter, ListSecretsCommandInput } from '../../protocol/models/secrets-manager.ts'
import { invalidParameter, refuseUnsupported } from '../checks.ts'
import { pageOf } from '../page.ts'
import { primaryRegionOf } from '../replication/replica-links.ts'
import type { Secret } from '../secret.ts'
import type { Secrets } from '../secrets.ts'
import { described, stagesByVersion } from './describe-secret.ts'

type Claim = (secret: Secret, value: string) => boolean

/** What a filter looks at. Source: Secrets Manager API Reference, Filter. */
const FILTERS: Readonly<Record<string, Claim>> = {
  name: ({ name }, value) => name.startsWith(value),
  description: ({ description }, value) => containsWords(description ?? '', value),
  'tag-key': ({ tags }, value) => tags.some(({ Key }) => Key.startsWith(value)),
  'primary-region': (secret, value) => primaryRegionOf(secret)?.startsWith(value) ?? false,
  'tag-value': ({ tags }, value) => tags.some(({ Value }) => Value.startsWith(value)),
  all: (secret, value) =>
    [
      secret.name,
      secret.description ?? '',
      ...secret.tags.flatMap(({ Key, Value }) => [Key, Value]),
    ].some((text) => containsWords(text, value)),
}

/** Source: Secrets Manager API Reference, ListSecrets, SortBy. */
const ORDERS: Readonly<Record<string, (secret: Secret) => string>> = {
  'created-date': ({ createdAt }) => createdAt,
  'last-accessed-date': ({ accessedAt }) => accessedAt ?? '',
  'last-changed-date': ({ changedAt }) => changedAt,
  name: ({ name }) => name,
}

/**
 * ListSecrets: secrets that match every filter, by date of creation unless another order is asked for.
 *
 * Source: Secrets Manager API Reference, ListSecrets.
 */
export async function listSecrets(secrets: Secrets, input: ListSecretsCommandInput) {
  const filters = input.Filters ?? []
  refuseUnsupported({
    'Filters with owning-service': filters.some(({ Key }) => Key === 'owning-service'),
  })
  const sortKey = ORDERS[input.SortBy ?? 'created-date']
  if (!sortKey) throw invalidParameter('SortBy is not one of the orders.')
  if (!['asc', 'desc', undefined].includes(input.SortOrder)) {
    throw invalidParameter('SortOrder is asc or desc.')
  }

  const matching = secrets
    .list()
    .filter((secret) => input.IncludePlannedDeletion || !secret.deletedAt)
    .filter((secret) => filters.every((filter) => matches(secret, filter)))
    .sort((a, b) => (sortKey(a) + a.name < sortKey(b) + b.name ? -1 : 1))
  if (input.SortOrder !== 'asc') matching.reverse()

  const { items, next } = pageOf(matching, input)
  return { SecretList: items.map(entry), ...next }
}

function entry(secret: Secret) {
  const { deletedAt } = secret
  return {
    ...described(secret),
    ...(deletedAt ? { DeletedDate: new Date(deletedAt) } : {}),
    SecretVersionsToStages: stagesByVersion(secret),
  }
}

/** Any of the values must match; a value that starts with `!` must not. */
function matches(secret: Secret, { Key, Values }: Filter): boolean {
  const claim = Object.hasOwn(FILTERS, Key ?? '') ? FILTERS[Key ?? ''] : undefined
  if (!claim || !Values?.length) throw invalidParameter('A filter has a known Key and Values.')
  return Values.some((value) =>
    value.startsWith('!') ? !claim(secret, value.slice(1)) : claim(secret, value),
  )
}

function containsWords(text: string, value: string): boolean {
  const words = value.toLowerCase().split(/\s+/).filter(Boolean)
  return words.every((word) => text.toLowerCase().includes(word))
}
