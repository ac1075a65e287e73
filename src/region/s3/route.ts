import type { HttpBinding, Operation } from '../protocol/model.ts'
import { requiredMembers } from '../protocol/model.ts'
import { s3Model } from '../protocol/models/s3.ts'
import { bindingsOf } from '../protocol/rest/bindings.ts'
import type { Address } from './address.ts'
import { S3Fault } from './faults.ts'

/** One operation with all that a request must have to mean it. */
interface Route {
  readonly operation: Operation
  readonly method: string
  readonly level: 'account' | 'bucket' | 'object'
  /** Parameters of the URL; a value only where one is demanded. */
  readonly query: ReadonlyMap<string, string | undefined>
  /** Further ones that it reads. */
  readonly optional: ReadonlySet<string>
  readonly header: string | undefined
}

/** Operations that share their address with another one and belong to other kinds of buckets. */
const ELSEWHERE = new Set(['ListDirectoryBuckets', 'WriteGetObjectResponse', 'CreateSession'])

const ROUTES = [...s3Model.operationByName.values()].flatMap((operation) => {
  if (!operation.http || ELSEWHERE.has(operation.name)) return []
  return [routeTo(operation, operation.http)]
})

/** Parameters that name a part of a bucket or object: one that the route does not use changes the meaning. */
const SUBRESOURCES = new Set(
  ROUTES.flatMap(({ query }) =>
    [...query].filter(([, v]) => v === undefined).map(([name]) => name),
  ),
)

/**
 * Finds the operation that a request means: by method, level, parameters and, for copies, a header. The route
 * that asks for most wins.
 *
 * @throws S3Fault `MethodNotAllowed`
 */
export function routeOf(o: {
  method: string
  address: Address
  query: ReadonlyMap<string, string>
  headers: ReadonlyMap<string, string>
}): Operation {
  const { bucket, key } = o.address
  const level = key !== undefined ? 'object' : bucket !== undefined ? 'bucket' : 'account'
  const best = ROUTES.filter((route) => route.method === o.method && route.level === level)
    .filter(({ query, header }) => {
      const isAsked = [...query].every(([name, value]) =>
        value === undefined ? o.query.has(name) : o.query.get(name) === value,
      )
      return isAsked && (header === undefined || o.headers.has(header))
    })
    .sort((a, b) => weightOf(b) - weightOf(a))[0]
  const isPlain = [...o.query.keys()].every(
    (name) => !SUBRESOURCES.has(name) || best?.query.has(name) || best?.optional.has(name),
  )
  if (best && isPlain) return best.operation
  throw new S3Fault(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource.',
    { elements: { Method: o.method } },
  )
}

function routeTo(operation: Operation, { method, uri }: HttpBinding): Route {
  const { labels, query: bound, headers } = bindingsOf(operation.input)
  const required = new Set(requiredMembers(operation.input))
  const query = new Map<string, string | undefined>()
  for (const [name, value] of new URLSearchParams(uri.split('?')[1] ?? '')) {
    if (name !== 'x-id') query.set(name, value === '' ? undefined : value)
  }
  for (const { member, name } of bound) if (required.has(member)) query.set(name, undefined)
  const source = headers.find(({ name }) => name === 'x-amz-copy-source')
  return {
    operation,
    method,
    level: labels.includes('Key') ? 'object' : labels.includes('Bucket') ? 'bucket' : 'account',
    query,
    optional: new Set(bound.map(({ name }) => name)),
    header: source && required.has(source.member) ? source.name : undefined,
  }
}

function weightOf({ query, header }: Route): number {
  return query.size + (header === undefined ? 0 : 1)
}
