import type { DocumentStore } from '../protocol/documents.ts'
import type { InstanceFacts } from './instance.ts'

const COLLECTION = 'retained-backups'

/** Automated backups of an instance that is gone. They are kept until the newest is older than its retention. */
export interface RetainedBackups {
  readonly instance: InstanceFacts
  readonly since: string
}

/** All retained automated backups of a region, by the resource id of the instance that they are of. */
export class RetainedBackupsStore {
  constructor(private readonly documents: DocumentStore) {}

  list(): RetainedBackups[] {
    return this.documents.list<RetainedBackups>(COLLECTION)
  }

  find(resourceId: string): RetainedBackups | undefined {
    return this.documents.get<RetainedBackups>(COLLECTION, resourceId)
  }

  async put(retained: RetainedBackups): Promise<void> {
    await this.documents.put(COLLECTION, retained.instance.resourceId, retained)
  }

  async remove(resourceId: string): Promise<void> {
    await this.documents.delete(COLLECTION, resourceId)
  }
}
