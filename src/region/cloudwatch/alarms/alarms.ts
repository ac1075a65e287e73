import type { Clock } from '../../../core/clock.ts'
import type { DocumentStore } from '../../protocol/documents.ts'
import { CloudWatchFault } from '../../protocol/models/cloudwatch.ts'
import type { Alarm } from './alarm.ts'

const COLLECTION = 'alarms'
/** Source: CloudWatch User Guide, "Common features of CloudWatch alarms". */
const MAX_ALARMS = 5000

/** All alarms of a region, durable. Changes to one alarm happen one after the other. */
export class Alarms {
  readonly #alarmByName: Map<string, Alarm>
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(
    private readonly o: {
      region: string
      accountId: string
      documents: DocumentStore
      clock: Clock
    },
  ) {
    const stored = o.documents.list<Alarm>(COLLECTION)
    this.#alarmByName = new Map(stored.map((alarm) => [alarm.name, alarm]))
  }

  now(): Date {
    return this.o.clock.now()
  }

  /** In the order of their names. */
  list(): Alarm[] {
    return [...this.#alarmByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** By name or by ARN. */
  find(nameOrArn: string): Alarm | undefined {
    const named = this.#alarmByName.get(nameOrArn)
    if (named) return named
    const prefix = this.arn('')
    if (!nameOrArn.startsWith(prefix)) return undefined
    return this.#alarmByName.get(nameOrArn.slice(prefix.length))
  }

  arn(name: string): string {
    return `arn:aws:cloudwatch:${this.o.region}:${this.o.accountId}:alarm:${name}`
  }

  /**
   * Stores what `next` makes of the alarm of a name, durably; undefined deletes it, and the same alarm changes nothing.
   *
   * @returns what it was and what it is
   */
  async change<Next extends Alarm | undefined>(
    name: string,
    next: (before: Alarm | undefined) => Next | Promise<Next>,
  ): Promise<{ before: Alarm | undefined; after: Next }> {
    return await this.inTurn(name, async () => {
      const before = this.#alarmByName.get(name)
      const after = await next(before)
      if (!before && after && this.#alarmByName.size >= MAX_ALARMS) {
        throw new CloudWatchFault('LimitExceededFault', `There are ${MAX_ALARMS} alarms already.`)
      }
      if (after === undefined) {
        if (before) await this.o.documents.delete(COLLECTION, name)
        this.#alarmByName.delete(name)
      } else if (after !== before) {
        await this.o.documents.put(COLLECTION, name, after)
        this.#alarmByName.set(name, after)
      }
      return { before, after }
    })
  }

  private async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#turns.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(name) === mine) this.#turns.delete(name)
    }
  }
}
