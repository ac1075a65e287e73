import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ObjectStore } from '../../src/objectstore/object-store.ts'
import type { ObjectVersion } from '../../src/objectstore/object-version.ts'
import { bytesOf } from './store-under-test.ts'

interface Line {
  readonly is: 'begun' | 'acknowledged'
  readonly do: 'put' | 'complete' | 'delete'
  readonly bucket: string
  readonly key: string
  readonly seed: string
  /** SHA-256 of the bytes that were to be written, in hex. */
  readonly hash: string
  /** Of what was written or deleted; absent where there are no ids. */
  readonly versionId?: string
}

/** What a busy store wrote down, against what is there after it was killed. */
export class Ledger {
  acknowledged = 0
  cutOff = 0
  #read = 0
  /** What must be there, by bucket, key and version. */
  readonly #there = new Map<string, Line>()
  /** The versions of which the outbox must tell. */
  readonly #told = new Set<string>()

  constructor(private readonly file: string) {}

  /** Everything that is wrong; takes over what was cut off and yet is there, and keeps one version of each key. */
  async compare(store: ObjectStore): Promise<string[]> {
    const faults: string[] = []
    const begun = await this.#takeNewLines()
    this.cutOff += begun.length
    const seen = new Set<string>()
    for (const bucket of store.listBuckets()) {
      const { versions } = bucket.listVersions({ limit: Number.MAX_SAFE_INTEGER })
      for (const version of versions) {
        const name = nameOf(bucket.name, version)
        const hash = sha256(
          await bytesOf(bucket, version).catch((error) => Buffer.from(`${error}`)),
        )
        const isOf = (line: Line) => line.hash === hash
        const known = this.#there.get(name)
        if (!known || !isOf(known)) {
          const begin = begun.find(
            (line) =>
              line.do !== 'delete' &&
              nameOf(line.bucket, { ...version, key: line.key }) === name &&
              isOf(line),
          )
          if (!begin) faults.push(`${name} ${known ? 'has other bytes' : 'was never written'}`)
          else this.#take({ ...begin, versionId: version.versionId })
        }
        seen.add(name)
      }
    }
    for (const [name, line] of this.#there) {
      if (seen.has(name)) continue
      this.#there.delete(name)
      const isDeleted = begun.some(
        (begin) => begin.do === 'delete' && nameOf(begin.bucket, { ...line, ...begin }) === name,
      )
      if (!isDeleted) faults.push(`${name} is lost`)
    }
    return [...faults, ...this.#compareOutbox(store)]
  }

  async removeOlder(store: ObjectStore): Promise<void> {
    for (const bucket of store.listBuckets()) {
      const { versions } = bucket.listVersions({ limit: Number.MAX_SAFE_INTEGER })
      for (const version of versions.filter(({ isLatest }) => !isLatest)) {
        await bucket.delete(version.key, { versionId: version.versionId })
        this.#there.delete(nameOf(bucket.name, version))
      }
    }
  }

  #compareOutbox(store: ObjectStore): string[] {
    const entries = store.outbox.entries({ limit: Number.MAX_SAFE_INTEGER })
    const told = new Set(entries.map(({ value }) => value as string))
    const versioned = [...told].filter((text) => !text.endsWith(' null'))
    return [
      ...[...this.#told].filter((text) => !told.has(text)).map((text) => `${text} is not told`),
      ...versioned
        .filter((text) => !this.#told.has(text))
        .map((text) => `${text} is told and was never written`),
    ]
  }

  /** Takes what was acknowledged; returns what was only begun. */
  async #takeNewLines(): Promise<Line[]> {
    const all = (await readFile(this.file, 'utf8')).split('\n').slice(0, -1)
    const begun = new Map<string, Line>()
    for (const text of all.slice(this.#read)) {
      const line: Line = JSON.parse(text)
      if (line.is === 'begun') begun.set(line.seed, line)
      else {
        begun.delete(line.seed)
        this.acknowledged++
        this.#take(line)
      }
    }
    this.#read = all.length
    return [...begun.values()]
  }

  #take(line: Line): void {
    const name = nameOf(line.bucket, line)
    if (line.do === 'delete') this.#there.delete(name)
    else this.#there.set(name, line)
    if (line.do === 'put') this.#told.add(name)
  }
}

function nameOf(bucket: string, o: Pick<Partial<ObjectVersion>, 'key' | 'versionId'>): string {
  return `${bucket} ${o.key} ${o.versionId ?? 'null'}`
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
