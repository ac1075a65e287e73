import { RdsFault } from './faults.ts'
import type { Rds } from './rds.ts'
import type { Tag } from './tags.ts'

/** Something of the region that has an ARN and tags. */
export interface TaggedResource {
  readonly tags: readonly Tag[]
  change(next: (tags: readonly Tag[]) => Tag[]): Promise<void>
}

/**
 * Finds what an ARN names.
 *
 * Unlike AWS: the tags of automated backups are those of their instance.
 *
 * @throws RdsFault the `…NotFoundFault` of the resource's kind, `InvalidParameterValue` for no ARN of this region
 */
export function taggedResource(rds: Rds, arn: string | undefined): TaggedResource {
  const parsed = rds.names.parseArn(arn ?? '')
  const make = parsed && Object.hasOwn(KINDS, parsed.kind) ? KINDS[parsed.kind] : undefined
  if (!parsed || !make) {
    throw new RdsFault('InvalidParameterValue', `Invalid resource name: ${arn ?? ''}`)
  }
  return make(rds, parsed.name)
}

const KINDS: Readonly<Record<string, (rds: Rds, name: string) => TaggedResource>> = {
  db: (rds, name) => {
    const instance = rds.getInstance(name)
    return {
      tags: instance.record.tags,
      change: async (next) => {
        await instance.change((record) => ({ ...record, tags: next(record.tags) }))
      },
    }
  },
  snapshot: (rds, name) => {
    const snapshot = rds.snapshots.get(name)
    return {
      tags: snapshot.tags,
      change: (next) =>
        rds.snapshots.change(snapshot.identifier, (one) => ({ ...one, tags: next(one.tags) })),
    }
  },
  pg: (rds, name) => {
    const group = rds.parameterGroups.get(name)
    return {
      tags: group.tags,
      change: async (next) => {
        await rds.parameterGroups.change(name, (one) => ({ ...one, tags: next(one.tags) }))
      },
    }
  },
  subgrp: (rds, name) => {
    const group = rds.subnetGroups.get(name)
    return {
      tags: group.tags,
      change: (next) => rds.subnetGroups.change(name, (one) => ({ ...one, tags: next(one.tags) })),
    }
  },
}
