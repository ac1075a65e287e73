import type { DocumentStore } from '../../protocol/documents.ts'
import type { InstanceFacts } from '../instance.ts'

const COLLECTION = 'replicated-backups'

/** Automated backups of an instance of another region, which are kept here too. */
export interface ReplicatedBackups {
  /** As it was seen last; name, key, retention and tags are those of the backups here. */
  readonly instance: InstanceFacts
  /** Of the instance; it changes when that is renamed. */
  readonly sourceArn: string
  readonly sourceRegion: string
  /** Since when nothing comes any more, and why; then they are kept until the newest is older than their retention. */
  readonly ended?: { readonly at: string; readonly reason: string }
}

/** All replicated backups of a region, by the resource id of the instance that they are of. */
export class ReplicatedBackupsStore {
  constructor(private readonly documents: DocumentStore) {}

  list(): ReplicatedBackups[] {
    return this.documents.list<ReplicatedBackups>(COLLECTION)
  }

  find(resourceId: string): ReplicatedBackups | undefined {
    return this.documents.get<ReplicatedBackups>(COLLECTION, resourceId)
  }

  async put(replicated: ReplicatedBackups): Promise<void> {
    await this.documents.put(COLLECTION, replicated.instance.resourceId, replicated)
  }

  async remove(resourceId: string): Promise<void> {
    await this.documents.delete(COLLECTION, resourceId)
  }
}
