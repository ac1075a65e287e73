/** What a bucket must hold, in a few lines of memory: the oracle of the comparison with the store. */
export interface ModelVersion {
  readonly versionId: string
  readonly isDeleteMarker: boolean
  readonly body: string
  readonly atMs: number
}

export interface ModelItem {
  readonly key: string
  readonly version: ModelVersion
  readonly isLatest: boolean
}

export interface ModelPage {
  readonly items: ModelItem[]
  readonly commonPrefixes: string[]
  readonly isTruncated: boolean
}

export class BucketModel {
  versioning: 'off' | 'enabled' | 'suspended' = 'off'
  /** By key, newest first. */
  readonly versionsByKey = new Map<string, ModelVersion[]>()

  put(key: string, version: ModelVersion): void {
    const kept = this.#of(key).filter(({ versionId }) => versionId !== version.versionId)
    this.#set(key, [version, ...kept])
  }

  /** Beneath what is newer, and only once. */
  putReplica(key: string, version: ModelVersion): void {
    const versions = this.#of(key)
    if (versions.some(({ versionId }) => versionId === version.versionId)) return
    const at = versions.findIndex(({ atMs }) => atMs < version.atMs)
    this.#set(key, versions.toSpliced(at < 0 ? versions.length : at, 0, version))
  }

  remove(key: string, versionId: string): void {
    this.#set(
      key,
      this.#of(key).filter((version) => version.versionId !== versionId),
    )
  }

  latest(key: string): ModelVersion | undefined {
    return this.#of(key)[0]
  }

  keys(): string[] {
    return [...this.versionsByKey.keys()].sort(byBytes)
  }

  /** The newest of every key, or with `allVersions` each of them. */
  list(o: {
    prefix: string
    delimiter: string
    after?: string | undefined
    limit: number
    allVersions?: boolean
  }): ModelPage {
    const items: ModelItem[] = []
    const commonPrefixes: string[] = []
    for (const key of this.keys()) {
      if (!key.startsWith(o.prefix)) continue
      if (o.after !== undefined && byBytes(key, o.after) <= 0) continue
      const all = this.#of(key).map((version, at) => ({ key, version, isLatest: at === 0 }))
      const shown = o.allVersions
        ? all
        : all.slice(0, 1).filter(({ version }) => !version.isDeleteMarker)
      const at = o.delimiter === '' ? -1 : key.indexOf(o.delimiter, o.prefix.length)
      const group = at < 0 ? undefined : key.slice(0, at + o.delimiter.length)
      for (const item of shown) {
        if (group !== undefined && (commonPrefixes.includes(group) || o.after?.startsWith(group))) {
          continue
        }
        if (items.length + commonPrefixes.length === o.limit) {
          return { items, commonPrefixes, isTruncated: true }
        }
        if (group === undefined) items.push(item)
        else commonPrefixes.push(group)
      }
    }
    return { items, commonPrefixes, isTruncated: false }
  }

  #of(key: string): ModelVersion[] {
    return this.versionsByKey.get(key) ?? []
  }

  #set(key: string, versions: ModelVersion[]): void {
    if (versions.length > 0) this.versionsByKey.set(key, versions)
    else this.versionsByKey.delete(key)
  }
}

export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
