import type { Name } from './name.ts'
import type { RecordType } from './rdata.ts'

/** Records of one name and type that are given away together. */
export interface RecordSet {
  readonly name: Name
  readonly type: RecordType
  /** Tells sets of the same name and type apart; such sets have the same kind of routing. */
  readonly id: string | undefined
  readonly routing: Routing
  /** The health check by which it is judged. Without one it is healthy. */
  readonly healthCheck: string | undefined
  readonly content: Content
}

/**
 * Which of the sets of a name and type are given.
 *
 * failover    the primary one while it is healthy, or the secondary one is not
 * weighted    one of the healthy ones, in proportion to their weights
 * multivalue  up to eight of the healthy ones
 */
export type Routing =
  | { readonly kind: 'simple' }
  | { readonly kind: 'failover'; readonly role: 'primary' | 'secondary' }
  | { readonly kind: 'weighted'; readonly weight: number }
  | { readonly kind: 'multivalue' }

export type Content =
  | { readonly kind: 'records'; readonly ttlSeconds: number; readonly rdata: readonly Buffer[] }
  /** What the sets of the same type at another name of the zone give, under this name. */
  | { readonly kind: 'alias'; readonly target: Name; readonly inheritsHealth: boolean }
