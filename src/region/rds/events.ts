import type { Clock } from '../../core/clock.ts'
import type { DocumentStore } from '../protocol/documents.ts'

const COLLECTION = 'events'
const KEPT_MS = 14 * 24 * 3_600_000

export type EventSource = 'db-instance' | 'db-snapshot' | 'db-parameter-group'

/**
 * What RDS tells about. The message may be continued.
 * Source: RDS User Guide, "Amazon RDS event categories and event messages".
 */
const EVENTS = {
  'instance created': ['creation', 'DB instance created'],
  'instance deleted': ['deletion', 'DB instance deleted'],
  'instance restarted': ['availability', 'DB instance restarted'],
  'instance shut down': ['availability', 'DB instance shutdown'],
  'instance stopped': ['notification', 'DB instance stopped'],
  'instance started': ['notification', 'DB instance started'],
  'seven days over': [
    'notification',
    'DB instance is being started due to it exceeding the maximum allowed time being stopped.',
  ],
  'key lost': [
    'failure',
    'The KMS key of the DB instance cannot be used. Enable the key and start the DB instance within seven days.',
  ],
  'key gone': [
    'failure',
    'The KMS key of the DB instance could not be used for seven days. Restore the DB instance from a backup.',
  ],
  'replica promoted': [
    'read replica',
    'Promoted Read Replica instance to a stand-alone database instance.',
  ],
  'replication stopped': ['read replica', 'Streaming replication has stopped.'],
  'replication resumed': ['read replica', 'Replication for the Read Replica resumed.'],
  'replication ended': ['read replica', 'Replication for the Read Replica was terminated.'],
  'instance failed': ['failure', 'DB instance put into failed state.'],
  'bad parameters': ['failure', 'DB instance put into incompatible-parameters state.'],
  'restore failed': ['failure', 'DB instance put into incompatible-restore state.'],
  'recovery began': [
    'recovery',
    'Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.',
  ],
  'recovery ended': ['recovery', 'Recovery of the DB instance is complete.'],
  'backup began': ['backup', 'Backing up DB instance'],
  'backup ended': ['backup', 'Finished DB instance backup'],
  'backup failed': ['backup', 'The backup of the DB instance did not complete.'],
  'backups enabled': ['configuration change', 'Automated backups enabled'],
  'backups disabled': ['configuration change', 'Automated backups disabled'],
  'gap in backups': [
    'notification',
    'A part of the write-ahead log is missing: no restore can cross it. A new backup begins.',
  ],
  'password reset': ['configuration change', 'Reset master credentials'],
  'parameter group changed': ['configuration change', 'Updated to use DBParameterGroup'],
  'modification began': ['configuration change', 'Applying modification to database instance'],
  'modification ended': [
    'configuration change',
    'Finished applying modification to database instance',
  ],
  'instance renamed': ['configuration change', 'Renamed instance'],
  'restored to time': ['restoration', 'Restored from DB instance'],
  'restored from snapshot': ['restoration', 'Restored from snapshot'],
  'snapshot began': ['creation', 'Creating manual snapshot'],
  'snapshot created': ['creation', 'Manual snapshot created'],
  'snapshot copy began': ['creation', 'Started copy of snapshot'],
  'snapshot copy ended': ['creation', 'Finished copy of snapshot'],
  'backup replication began': ['backup', 'Started cross-Region replication of automated backups'],
  'backup replication ended': ['backup', 'Stopped cross-Region replication of automated backups'],
  'snapshot failed': ['notification', 'The snapshot could not be created and was removed.'],
  'snapshot deleted': ['deletion', 'Deleted user snapshot'],
  'automated snapshot began': ['creation', 'Creating automated snapshot'],
  'automated snapshot created': ['creation', 'Automated snapshot created'],
  'parameter changed': ['configuration change', 'Updated parameter'],
} as const satisfies Record<string, readonly [category: string, message: string]>

export type EventName = keyof typeof EVENTS

export interface RecordedEvent {
  readonly number: number
  readonly at: string
  readonly source: EventSource
  readonly identifier: string
  readonly arn: string
  readonly category: string
  readonly message: string
}

/** What happened in the region's RDS in the last 14 days, in the order in which it happened. */
export class Events {
  #last: number

  constructor(
    private readonly documents: DocumentStore,
    private readonly clock: Clock,
  ) {
    this.#last = Math.max(0, ...this.list().map(({ number }) => number))
  }

  async record(
    subject: { source: EventSource; identifier: string; arn: string },
    name: EventName,
    more = '',
  ): Promise<void> {
    const [category, words] = EVENTS[name]
    this.#last += 1
    const event: RecordedEvent = {
      ...subject,
      number: this.#last,
      at: this.clock.now().toISOString(),
      category,
      message: more ? `${words} ${more}` : words,
    }
    await this.documents.put(COLLECTION, keyOf(event), event)
  }

  list(): RecordedEvent[] {
    return this.documents.list<RecordedEvent>(COLLECTION)
  }

  /** Forgets what is older than 14 days. */
  async expire(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - KEPT_MS).toISOString()
    for (const event of this.list()) {
      if (event.at < before) await this.documents.delete(COLLECTION, keyOf(event))
    }
  }
}

/** @returns a key by which events sort as they happened */
export function keyOf({ number }: Pick<RecordedEvent, 'number'>): string {
  return String(number).padStart(12, '0')
}
