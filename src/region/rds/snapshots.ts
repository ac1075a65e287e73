import { Turns } from '../../core/turns.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { RdsFault, snapshotAlreadyExists, snapshotNotFound } from './faults.ts'
import type { InstanceFacts } from './instance.ts'
import type { Tag } from './tags.ts'

const COLLECTION = 'snapshots'

/** Source: RDS User Guide, "Quotas in Amazon RDS". */
const MANUAL_SNAPSHOT_QUOTA = 100

/** A DB snapshot as it is stored. */
export interface SnapshotRecord {
  /** In lower case. */
  readonly identifier: string
  /** `snap-…`; names the folder of a manual one. */
  readonly resourceId: string
  readonly type: 'manual' | 'automated'
  readonly status: 'creating' | 'available' | 'deleting'
  /** The instance as it was, also after it is gone. */
  readonly instance: InstanceFacts
  /** The base backup that holds it, once there is one. */
  readonly backup?: string
  /** The snapshot that it is a copy of, as it was named then. */
  readonly copyOf?: { readonly arn: string; readonly region: string; readonly identifier: string }
  /** Of a copy: when the data was as it is in the first of the line. */
  readonly originalAt?: string
  readonly acceptedAt: string
  /** The moment at which the data was as it is in the snapshot; of a copy, when that was complete. */
  readonly completedAt?: string
  readonly tags: readonly Tag[]
}

/** All DB snapshots of a region, durable. */
export class Snapshots {
  readonly #turns = new Turns()

  constructor(private readonly documents: DocumentStore) {}

  list(): SnapshotRecord[] {
    return this.documents.list<SnapshotRecord>(COLLECTION)
  }

  find(identifier: string): SnapshotRecord | undefined {
    return this.documents.get<SnapshotRecord>(COLLECTION, identifier.toLowerCase())
  }

  findByResourceId(resourceId: string): SnapshotRecord | undefined {
    return this.list().find((one) => one.resourceId === resourceId)
  }

  /** @throws RdsFault `DBSnapshotNotFoundFault` */
  get(identifier: string): SnapshotRecord {
    const snapshot = this.find(identifier)
    if (!snapshot) throw snapshotNotFound(identifier)
    return snapshot
  }

  /** @throws RdsFault `DBSnapshotAlreadyExistsFault`, `SnapshotQuotaExceededFault` */
  async add(snapshot: SnapshotRecord): Promise<void> {
    await this.#turns.take(async () => {
      this.checkFree(snapshot.identifier, snapshot.type)
      await this.documents.put(COLLECTION, snapshot.identifier, snapshot)
    })
  }

  /** @throws RdsFault `DBSnapshotAlreadyExistsFault`, `SnapshotQuotaExceededFault` */
  checkFree(identifier: string, type: SnapshotRecord['type']): void {
    if (this.find(identifier)) throw snapshotAlreadyExists(identifier)
    const manual = this.list().filter((one) => one.type === 'manual')
    if (type === 'manual' && manual.length >= MANUAL_SNAPSHOT_QUOTA) {
      throw new RdsFault(
        'SnapshotQuotaExceededFault',
        `Cannot create more than ${MANUAL_SNAPSHOT_QUOTA} manual snapshots.`,
      )
    }
  }

  /** Replaces a snapshot by what `next` makes of it, durably. Nothing happens when it is gone. */
  async change(identifier: string, next: (one: SnapshotRecord) => SnapshotRecord): Promise<void> {
    await this.#turns.take(async () => {
      const before = this.find(identifier)
      if (before) await this.documents.put(COLLECTION, before.identifier, next(before))
    })
  }

  async remove(identifier: string): Promise<void> {
    await this.#turns.take(() => this.documents.delete(COLLECTION, identifier))
  }
}
