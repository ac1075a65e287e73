/** What a read replica follows, as its record keeps it. */
export interface ReplicaSource {
  /** Of the source; it changes when the source is renamed. */
  readonly arn: string
  readonly region: string
  readonly resourceId: string
  /** The replication slot on the source. */
  readonly slot: string
  /** Where it streams from and as whom; absent before the source has admitted it. */
  readonly primary?: SealedPrimary
  /** Why replication has ended for good. */
  readonly ended?: string
}

export interface SealedPrimary {
  readonly host: string
  /** As the source listens on it: from another region it is reached by `Peer.portTo`, each time a server is configured. */
  readonly port: number
  readonly user: string
  readonly sealedPassword: string
}

/** A read replica, as the record of its source keeps it. */
export interface Replica {
  /** It changes when the replica is renamed. */
  readonly arn: string
  readonly region: string
  readonly resourceId: string
  /** Whether it has the data of its source and follows: commits may wait for it. */
  readonly isSeeded?: boolean
}

/** The name of the slot that keeps WAL for a replica: `rds_us_east_1_db_…`. */
export function slotOf({ region, resourceId }: Pick<Replica, 'region' | 'resourceId'>): string {
  return `rds_${region}_${resourceId}`.toLowerCase().replaceAll('-', '_')
}

/** The region in an ARN of RDS; undefined for what is none. */
export function regionIn(arn: string): string | undefined {
  return /^arn:aws:rds:([a-z0-9-]+):\d{12}:/.exec(arn)?.[1]
}

/** As RDS names an instance beside another one: by its identifier in the same region, by its ARN elsewhere. */
export function nameBeside(arn: string, region: string): string {
  return regionIn(arn) === region ? arn.slice(arn.lastIndexOf(':') + 1) : arn
}
