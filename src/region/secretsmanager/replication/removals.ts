import type { DocumentStore } from '../../protocol/documents.ts'
import type { Secret } from '../secret.ts'
import { type Secrets, suffixOf } from '../secrets.ts'

const COLLECTION = 'removals'

/** A replica that is to be deleted in its region; it outlives its secret. */
export interface Removal {
  readonly region: string
  readonly name: string
  readonly suffix: string
  /** Of the secret when it was asked for: a replica with a later one was made again since. */
  readonly revision: number
}

/**
 * The replicas that are still to be deleted, durable. A removal is written before its link is taken from the secret, and counts
 * only once that has happened: one that a kill left alone is dropped by `open`.
 */
export class Removals {
  private constructor(
    private readonly documents: DocumentStore,
    private readonly secrets: Secrets,
  ) {}

  static async open(documents: DocumentStore, secrets: Secrets): Promise<Removals> {
    const removals = new Removals(documents, secrets)
    for (const removal of documents.list<Removal>(COLLECTION)) {
      if (!removals.#counts(removal)) await removals.done(removal)
    }
    return removals
  }

  /** Those that count. */
  list(): Removal[] {
    return this.documents.list<Removal>(COLLECTION).filter((removal) => this.#counts(removal))
  }

  async add(secret: Secret, regions: readonly string[]): Promise<void> {
    const { name, revision = 0 } = secret
    for (const region of regions) {
      const removal: Removal = { region, name, suffix: suffixOf(secret), revision }
      await this.documents.put(COLLECTION, keyOf(removal), removal)
    }
  }

  async done(removal: Removal): Promise<void> {
    const now = this.documents.get<Removal>(COLLECTION, keyOf(removal))
    if (now?.revision === removal.revision) {
      await this.documents.delete(COLLECTION, keyOf(removal))
    }
  }

  #counts({ name, suffix, region, revision }: Removal): boolean {
    const secret = this.secrets.find(name)
    if (!secret || suffixOf(secret) !== suffix) return true
    const isLinked = secret.replicas?.some((link) => link.region === region)
    return !isLinked || (secret.revision ?? 0) > revision
  }
}

function keyOf({ region, name, suffix }: Removal): string {
  return `${region} ${name} ${suffix}`
}
