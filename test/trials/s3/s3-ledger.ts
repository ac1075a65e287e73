import { readFile } from 'node:fs/promises'

/** A line of busy-clients.mjs. */
interface Line {
  readonly id: number
  readonly round: number
  /** `refused`: by its condition. `cut off`: nobody answered, and it may have been done. */
  readonly is: 'begun' | 'acknowledged' | 'refused' | 'cut off' | 'failed'
  readonly do: 'put' | 'mark' | 'delete' | 'tag' | 'begin' | 'part' | 'complete'
  readonly bucket: string
  readonly key: string
  /** SHA-256 of the bytes, and how long they or the parts of them are. */
  readonly hash?: string
  readonly sizes?: readonly number[]
  /** Of what was written or deleted; absent where there are no ids. */
  readonly versionId?: string
  readonly uploadId?: string
  readonly number?: number
  readonly race?: 'create' | 'replace'
  readonly error?: string
}

/** A version as it was found after a kill, read to its end. */
export interface SeenVersion {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly isMarker: boolean
  readonly etag: string
  readonly sizeBytes: number
  /** SHA-256 of its bytes, or the error with which they could not be read. */
  readonly hash: string
  /** Of short objects that are text. */
  readonly text: string
}

export interface SeenUpload {
  readonly bucket: string
  readonly uploadId: string
  readonly parts: readonly number[]
}

/** What clients were told, against what is there after a kill. It finds everything that is wrong, and takes over what was cut off and yet done. */
export class S3Ledger {
  acknowledged = 0
  cutOff = 0
  #read = 0
  /** What must be there, by bucket, key and version. */
  readonly #there = new Map<string, Line>()
  readonly #tagged = new Map<string, Line>()
  /** Uploads that were begun and not completed, with the parts that were acknowledged. */
  readonly #uploads = new Map<string, { readonly begun: Line; readonly parts: Set<number> }>()
  readonly #completed = new Set<string>()

  constructor(private readonly file: string) {}

  async compare(
    versions: readonly SeenVersion[],
    uploads: readonly SeenUpload[],
  ): Promise<string[]> {
    const lines = await this.#newLines()
    const ended = new Map(lines.filter(({ is }) => is !== 'begun').map((line) => [line.id, line]))
    const faults = lines.flatMap(({ id, is, error, ...line }) => {
      if (is === 'failed') return [`${line.do} of ${line.bucket} ${line.key} failed: ${error}`]
      return ended.has(id) ? [] : [`${line.do} of ${line.bucket} ${line.key} was never answered`]
    })
    this.#tagged.clear()
    for (const line of lines) if (line.is === 'acknowledged') this.#take(line)
    const open = new Set(lines.filter(({ is }) => is === 'cut off'))
    this.cutOff += open.size
    faults.push(...this.#compareVersions(versions, open))
    faults.push(...this.#compareUploads(uploads, open))
    return [...faults, ...racesOf(lines, versions), ...chainOf(versions)]
  }

  /** Versions of which the tags were acknowledged before the last comparison. */
  tagged(): Pick<SeenVersion, 'bucket' | 'key' | 'versionId'>[] {
    return [...this.#tagged.values()]
      .filter((line) => this.#there.has(nameOf(line)))
      .map(({ bucket, key, versionId = 'null' }) => ({ bucket, key, versionId }))
  }

  forget(version: Pick<SeenVersion, 'bucket' | 'key' | 'versionId'>): void {
    this.#there.delete(nameOf(version))
  }

  /** Rules have taken all that they take. */
  forgetExpired(): void {
    for (const [name, line] of this.#there) if (isExpiring(line)) this.#there.delete(name)
  }

  forgetUploads(): void {
    this.#uploads.clear()
  }

  /** How long the stored pieces are of everything that must be there. Copies share theirs. */
  pieces(): number[] {
    const byHash = new Map([...this.#there.values()].map(({ hash, sizes }) => [hash, sizes ?? []]))
    return [...byHash.values()].flat()
  }

  async #newLines(): Promise<Line[]> {
    const all = (await readFile(this.file, 'utf8')).split('\n').slice(0, -1)
    const lines = all.slice(this.#read).map((text): Line => JSON.parse(text))
    this.#read = all.length
    return lines
  }

  #take(line: Line): void {
    const name = nameOf(line)
    this.acknowledged += 1
    if (line.do === 'put' || line.do === 'complete') this.#put(name, line)
    if (line.do === 'mark' && line.versionId) this.#there.set(name, line)
    if (line.do === 'delete' || (line.do === 'mark' && !line.versionId)) this.#there.delete(name)
    if (line.do === 'tag') this.#tagged.set(name, line)
    const { uploadId = '', number = 0 } = line
    if (line.do === 'begin') this.#uploads.set(uploadId, { begun: line, parts: new Set() })
    if (line.do === 'part') this.#uploads.get(uploadId)?.parts.add(number)
    if (line.do !== 'complete') return
    this.#uploads.delete(uploadId)
    this.#completed.add(uploadId)
  }

  /** What has no id replaces what was there, with its tags. */
  #put(name: string, line: Line): void {
    this.#there.set(name, line)
    this.#tagged.delete(name)
  }

  #compareVersions(versions: readonly SeenVersion[], open: Set<Line>): string[] {
    const faults: string[] = []
    for (const version of versions) {
      const name = nameOf(version)
      // A rule may take it between the list and the reading.
      if (isExpiring(version) && version.hash.startsWith('NoSuchVersion')) continue
      const known = this.#there.get(name)
      if (known && isOf(known, version)) continue
      const begun = [...open].find(
        (line) => line.bucket === version.bucket && line.key === version.key && isOf(line, version),
      )
      if (!begun && version.isMarker && isExpiring(version)) continue
      if (!begun) {
        faults.push(`${name} ${known ? `has other bytes: ${version.hash}` : 'was never written'}`)
        continue
      }
      open.delete(begun)
      this.#put(name, { ...begun, versionId: version.versionId })
      if (begun.do !== 'complete') continue
      this.#uploads.delete(begun.uploadId ?? '')
      this.#completed.add(begun.uploadId ?? '')
    }
    const seen = new Set(versions.map(nameOf))
    for (const [name, line] of this.#there) {
      if (seen.has(name)) continue
      this.#there.delete(name)
      if (isExpiring(line)) continue
      const isDeleted = [...open].some(
        (begun) =>
          (begun.do === 'delete' || begun.do === 'mark') &&
          nameOf({ ...begun, versionId: begun.versionId ?? 'null' }) === name,
      )
      if (!isDeleted) faults.push(`${name} is lost: ${line.do} of round ${line.round}`)
    }
    return faults
  }

  #compareUploads(uploads: readonly SeenUpload[], open: ReadonlySet<Line>): string[] {
    const faults: string[] = []
    const seen = new Map(uploads.map((upload) => [upload.uploadId, upload]))
    const completing = new Set([...open].map((line) => line.do === 'complete' && line.uploadId))
    for (const [uploadId, { begun, parts }] of this.#uploads) {
      const found = seen.get(uploadId)
      // It may have become an object, which a rule has taken since.
      if (!found && isExpiring(begun) && completing.has(uploadId)) continue
      const name = `upload ${uploadId} of ${begun.bucket} ${begun.key}`
      if (!found) faults.push(`${name} is lost`)
      const lost = [...parts].filter((number) => !found?.parts.includes(number))
      if (lost.length > 0) faults.push(`${name} has lost its parts ${lost}`)
    }
    let unknown = [...open].filter((line) => line.do === 'begin').length
    for (const { uploadId } of uploads) {
      if (this.#completed.has(uploadId))
        faults.push(`upload ${uploadId} is there, and its object too`)
      else if (!this.#uploads.has(uploadId) && unknown-- <= 0) {
        faults.push(`upload ${uploadId} was never begun`)
      }
    }
    return faults
  }
}

/** One of those that raced to create an object has won, or nobody was told anything. */
function racesOf(lines: readonly Line[], versions: readonly SeenVersion[]): string[] {
  const races = new Map<string, Line[]>()
  for (const line of lines) {
    if (line.race !== 'create' || line.is === 'begun') continue
    const name = `${line.bucket} ${line.key}`
    races.set(name, [...(races.get(name) ?? []), line])
  }
  return [...races].flatMap(([name, racers]) => {
    const won = racers.filter(({ is }) => is === 'acknowledged').length
    const isDecided = won > 0 || racers.some(({ is }) => is === 'refused')
    const there = versions.filter(({ bucket, key }) => `${bucket} ${key}` === name).length
    if (won <= 1 && there <= 1 && (there === 1 || !isDecided)) return []
    return [`${won} have won the race for ${name}, and ${there} versions are there`]
  })
}

/** Each version of the chain has replaced the one before it, which it names. */
function chainOf(versions: readonly SeenVersion[]): string[] {
  const newestFirst = versions.filter(({ key }) => key === 'chain')
  return newestFirst.flatMap(({ text, versionId }, index) => {
    const replaced = newestFirst[index + 1]
    const named = text.startsWith('{') ? JSON.parse(text).before : undefined
    if (!replaced || named === replaced.etag) return []
    return [`version ${versionId} of the chain has replaced ${named}, and not ${replaced.etag}`]
  })
}

/** Whether a rule takes it away, nobody knows when. */
export function isExpiring({ bucket, key }: { bucket: string; key: string }): boolean {
  return bucket === 'expiring' && key.startsWith('old/')
}

function isOf(line: Line, { isMarker, hash }: SeenVersion): boolean {
  if (isMarker) return line.do === 'mark'
  return (line.do === 'put' || line.do === 'complete') && line.hash === hash
}

function nameOf(o: { bucket: string; key: string; versionId?: string }): string {
  return `${o.bucket} ${o.key} ${o.versionId ?? 'null'}`
}
