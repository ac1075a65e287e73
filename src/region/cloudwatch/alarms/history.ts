import type { DocumentStore } from '../../protocol/documents.ts'

const COLLECTION = 'history'
/** Source: CloudWatch API Reference, DescribeAlarmHistory: kept for 30 days. */
const KEPT_MS = 30 * 24 * 3_600_000
/** Unlike AWS: the history is kept of all alarms together, the oldest being forgotten first. */
const MAX_ITEMS = 10_000

export interface HistoryItem {
  readonly alarm: string
  readonly alarmKind: 'MetricAlarm' | 'CompositeAlarm'
  /** ISO 8601. */
  readonly at: string
  readonly kind: 'ConfigurationUpdate' | 'StateUpdate' | 'Action'
  readonly summary: string
  /** JSON. */
  readonly data: string
  /** Tells items of one moment apart, and orders them. */
  readonly number: number
}

/** What happened to the alarms of a region, durable. */
export class AlarmHistory {
  readonly #items: Map<string, HistoryItem>

  constructor(private readonly documents: DocumentStore) {
    const stored = documents.list<HistoryItem>(COLLECTION)
    this.#items = new Map(stored.map((item) => [keyOf(item), item]))
  }

  /** Oldest first. */
  list(): HistoryItem[] {
    return [...this.#items.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  /** The same item recorded again changes nothing. */
  async record(item: HistoryItem): Promise<void> {
    const key = keyOf(item)
    if (this.#items.has(key)) return
    await this.documents.put(COLLECTION, key, item)
    this.#items.set(key, item)
  }

  has(item: Pick<HistoryItem, 'at' | 'alarm' | 'number' | 'kind'>): boolean {
    return this.#items.has(keyOf(item))
  }

  /** Forgets what is too old or too much. */
  async expire(now: Date): Promise<void> {
    const before = new Date(now.getTime() - KEPT_MS).toISOString()
    const items = this.list()
    const tooMany = items.length - MAX_ITEMS
    for (const [index, item] of items.entries()) {
      if (item.at >= before && index >= tooMany) break
      await this.documents.delete(COLLECTION, keyOf(item))
      this.#items.delete(keyOf(item))
    }
  }
}

/** Sorts items as they happened; unique. */
export function keyOf(item: Pick<HistoryItem, 'at' | 'alarm' | 'number' | 'kind'>): string {
  const { at, alarm, number, kind } = item
  return `${at} ${String(number).padStart(4, '0')} ${kind} ${alarm}`
}
