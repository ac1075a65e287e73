import { LifeboatError } from '../core/errors.ts'
import type { Target } from './notifications/target.ts'
import type { OwnStep } from './own-steps/own-step.ts'
import type { Witness } from './witnesses/witness.ts'
import { STRATEGIES } from './workload-schema.ts'

/** A workload as the rules want it. JSON, so that an execution can keep it. Holds no credentials. */
export type Workload = {
  readonly name: string
  readonly objectives: { readonly rtoSeconds: number; readonly rpoSeconds: number }
  readonly region: string
  readonly recoveryRegion?: string
  readonly database: {
    readonly instance: string
    readonly secret: string
    readonly adminSecret: string
    /** A read replica in the recovery region. */
    readonly standby?: string
    /** An absolute path. */
    readonly certificates?: string
  }
  readonly buckets: readonly Bucket[]
  readonly strategy: Strategy
  readonly services: readonly ServiceOfWorkload[]
  readonly publicName?: PublicName
  readonly checks: readonly Check[]
  readonly http?: {
    readonly url: string
    readonly method: string
    readonly body?: string
    readonly timeoutSeconds: number
  }
  /** As `schema.table`. Without it, every table. */
  readonly tables?: readonly string[]
  readonly ignore: readonly string[]
  /** Whom to call, in this order. */
  readonly contacts?: readonly Contact[]
  /** Who is told of what happens. */
  readonly notifications?: readonly Target[]
  /** Monitors of others. */
  readonly witnesses?: readonly Witness[]
  /** What its runbooks do beside their own steps. */
  readonly steps?: readonly OwnStep[]
  /** Without it, only the Lifeboats of one machine know of each other. */
  readonly lock?: { readonly bucket: string; readonly region: string; readonly prefix: string }
}

/** Whom to call when a region is lost. */
export type Contact = {
  readonly name: string
  readonly role: string
  /** In words: a number, a pager, a room. */
  readonly reach: string
}

export type Check = {
  readonly name: string
  readonly sql: string
  readonly expect: string | number | boolean | null
  readonly everySeconds: number
  readonly timeoutSeconds: number
}

export type Strategy = (typeof STRATEGIES)[number]

/** Where customers find the workload. */
export type PublicName = {
  readonly name: string
  /** The id of its hosted zone. */
  readonly zone?: string
  /** The address in the recovery region. */
  readonly recovery?: string
}

/** An ECS service, of the same names in both regions. */
export type ServiceOfWorkload = {
  readonly cluster: string
  readonly service: string
  /** Undefined: as many as there are when the region is lost. */
  readonly tasks?: number
}

/** A bucket of the workload. */
export type Bucket = {
  readonly bucket: string
  /** What keys begin with, none of them the beginning of another; `['']` for all. */
  readonly prefixes: readonly string[]
  readonly replica?: { readonly bucket: string; readonly region: string }
  readonly references: readonly Reference[]
}

export type Reference = {
  readonly name: string
  readonly sql: string
  readonly everySeconds: number
}

export type ReplicatedBucket = Bucket & { readonly replica: NonNullable<Bucket['replica']> }

export function replicatedOf({ buckets }: Pick<Workload, 'buckets'>): ReplicatedBucket[] {
  return buckets.filter((bucket): bucket is ReplicatedBucket => bucket.replica !== undefined)
}

/** Where the keys of notifications and witnesses are: they are needed when the workload's own region is lost. */
export function keyRegionOf({
  region,
  recoveryRegion,
}: Pick<Workload, 'region' | 'recoveryRegion'>) {
  return recoveryRegion ?? region
}

/** The names of all that tells good from bad: of checks, and of references. */
export function checkNamesOf({ checks, buckets }: Workload): string[] {
  return [...checks, ...buckets.flatMap(({ references }) => references)].map(({ name }) => name)
}

/** @throws LifeboatError `InvalidUsage` */
export function strategyOf(text: string): Strategy {
  const found = STRATEGIES.find((one) => one === text)
  if (found) return found
  throw new LifeboatError('InvalidUsage', `'${text}' is no strategy`, {
    hint: `Choose one of ${STRATEGIES.join(', ')}.`,
  })
}
