import type { Random } from '../../core/random.ts'
import type { Name } from '../../dns/name.ts'
import { type Edit, SharedDatabase } from '../protocol/shared-database.ts'
import { orderOf } from './names.ts'
import type {
  ChangeRecord,
  ChangeSubject,
  CheckRecord,
  ReferenceRecord,
  SetRecord,
  TaggedKind,
  TagsRecord,
  ZoneRecord,
} from './records.ts'

/** Older changes are not told of any more; who follows and has fallen further behind reads all anew. */
const KEPT_CHANGES = 10_000

/**
 * Hosted zones, records and health checks: written by the API's process, and read by that of the name server.
 *
 * Every write that concerns the name server is a change with a number, in the same transaction.
 */
export class Route53Directory {
  private constructor(private readonly database: SharedDatabase) {}

  /** @throws LifeboatError `FolderNotUsable`, `DiskFull` */
  static async open(folder: string): Promise<Route53Directory> {
    return new Route53Directory(await SharedDatabase.open(folder, 'directory'))
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  /** The number of the last change; 0 before the first. */
  get sequence(): number {
    return this.database.get<number>(['sequence']) ?? 0
  }

  zone(id: string): ZoneRecord | undefined {
    return this.database.get(['zone', id])
  }

  zones(): ZoneRecord[] {
    return this.database.list<ZoneRecord>(['zone'])
  }

  /** In the order in which they are listed. */
  sets(
    zoneId: string,
    { from, limit }: { from?: SetKey | undefined; limit?: number } = {},
  ): SetRecord[] {
    const start = from && ['set', zoneId, orderOf(from.name), from.type ?? '', from.id ?? '']
    return this.database.list(['set', zoneId], {
      ...(start ? { from: start } : {}),
      ...(limit === undefined ? {} : { limit }),
    })
  }

  setsAt(zoneId: string, name: Name): SetRecord[] {
    return this.database.list(['set', zoneId, orderOf(name)])
  }

  change(id: string): ChangeRecord | undefined {
    const sequence = this.database.get<number>(['change-id', id])
    return sequence === undefined ? undefined : this.changeAt(sequence)
  }

  changeAt(sequence: number): ChangeRecord | undefined {
    return this.database.get(['change', sequence])
  }

  /** The changes behind one, in order; undefined when some of them are not known any more. */
  changesAfter(sequence: number): ChangeRecord[] | undefined {
    const last = this.sequence
    if (last === sequence) return []
    const changes = this.database.list<ChangeRecord>(['change'], { from: ['change', sequence + 1] })
    return changes[0]?.sequence === sequence + 1 ? changes : undefined
  }

  check(id: string): CheckRecord | undefined {
    return this.database.get(['check', id])
  }

  checks(): CheckRecord[] {
    return this.database.list<CheckRecord>(['check'])
  }

  reference(kind: TaggedKind, reference: string): ReferenceRecord | undefined {
    return this.database.get(['reference', kind, reference])
  }

  tags(kind: TaggedKind, id: string): TagsRecord {
    return this.database.get<TagsRecord>(['tags', kind, id]) ?? []
  }

  /** As `SharedDatabase.change`. */
  write<T>(work: (edit: DirectoryEdit) => T): T {
    return this.database.change((edit) => work(new DirectoryEdit(this, edit)))
  }
}

interface SetKey {
  readonly name: Name
  readonly type?: string | undefined
  readonly id?: string | undefined
}

/** The writes of one transaction. */
export class DirectoryEdit {
  constructor(
    private readonly directory: Route53Directory,
    private readonly edit: Edit,
  ) {}

  putZone(zone: ZoneRecord): void {
    this.edit.put(['zone', zone.id], zone)
  }

  removeZone(id: string): void {
    for (const set of this.directory.sets(id)) this.removeSet(id, set)
    this.edit.remove(['zone', id])
    this.putTags('hostedzone', id, [])
  }

  putSet(zoneId: string, set: SetRecord): void {
    this.edit.put(setKey(zoneId, set), set)
  }

  removeSet(zoneId: string, set: SetRecord): void {
    this.edit.remove(setKey(zoneId, set))
  }

  putCheck(check: CheckRecord): void {
    this.edit.put(['check', check.id], check)
  }

  removeCheck(id: string): void {
    this.edit.remove(['check', id])
    this.putTags('healthcheck', id, [])
  }

  putReference(kind: TaggedKind, reference: string, record: ReferenceRecord): void {
    this.edit.put(['reference', kind, reference], record)
  }

  putTags(kind: TaggedKind, id: string, tags: TagsRecord): void {
    if (tags.length === 0) this.edit.remove(['tags', kind, id])
    else this.edit.put(['tags', kind, id], tags)
  }

  /** Tells the name server. */
  publish(
    subject: ChangeSubject,
    o: { random: Random; nowMs: number; comment?: string | undefined },
  ): ChangeRecord {
    const change: ChangeRecord = {
      id: newId('C', o.random),
      sequence: this.directory.sequence + 1,
      submittedAtMs: o.nowMs,
      ...(o.comment === undefined ? {} : { comment: o.comment }),
      subject,
    }
    this.edit.put(['sequence'], change.sequence)
    this.edit.put(['change', change.sequence], change)
    this.edit.put(['change-id', change.id], change.sequence)
    this.#forget(change.sequence - KEPT_CHANGES)
    return change
  }

  #forget(sequence: number): void {
    const old = this.directory.changeAt(sequence)
    if (!old) return
    this.edit.remove(['change', sequence])
    this.edit.remove(['change-id', old.id])
  }
}

/** As `Z0123456789ABCDEFGHIJ`. */
export function newId(prefix: 'Z' | 'C', random: Random): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUV'
  const bytes = Buffer.from(random.hex(40), 'hex')
  return prefix + Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('')
}

function setKey(zoneId: string, { name, type, setIdentifier }: SetRecord): string[] {
  return ['set', zoneId, orderOf(name), type, setIdentifier ?? '']
}
