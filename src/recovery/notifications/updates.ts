import type { Delivery } from '../../probe/post.ts'
import type { StateDatabase } from '../../runbook/state-database.ts'
import { keyRegionOf, type Workload } from '../workload.ts'
import type { Phase, Target } from './target.ts'

/** What people are told of one moment, as it was drafted. JSON, without secrets. */
export type Draft = {
  readonly phase: Phase
  /** When what it tells happened; ISO 8601. */
  readonly at: string
  readonly headline: string
  readonly lines: readonly string[]
  /** The same for programs. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}

/**
 * due      it goes out by itself as soon as a process gets to it
 * waits    for a person to approve it
 * sending  a process is about it
 * unknown  it may have been sent: no answer came, or the process that sent it died
 */
export type DeliveryState = 'due' | 'waits' | 'sending' | 'sent' | 'failed' | 'unknown'

export interface UpdateDelivery {
  readonly target: string
  readonly state: DeliveryState
  readonly reason?: string
  readonly by?: string
  readonly at?: Date
}

export interface Update extends Draft {
  /** Grows from update to update. */
  readonly id: string
  /** The execution that it is about, or `watch-WORKLOAD`. */
  readonly subject: string
  readonly audience: Audience
  readonly deliveries: readonly UpdateDelivery[]
}

/** Who is told of an update, as the workload file said when it was drafted. */
export type Audience = {
  readonly targets: readonly Target[]
  /** Where the secrets of targets are looked for in Secrets Manager. */
  readonly region: string
}

export function audienceOf(workload: Workload, phase: Phase): Audience {
  const targets = (workload.notifications ?? []).filter(({ on }) => on.includes(phase))
  return { targets, region: keyRegionOf(workload) }
}

const MIGRATIONS = [
  `create table notifications.updates (
     id bigint generated always as identity primary key,
     subject text not null, occasion text not null, draft json not null, audience json not null,
     unique (subject, occasion))`,
  // A row is there before anything leaves this machine, so that nothing is sent twice.
  `create table notifications.deliveries (
     update_id bigint not null references notifications.updates, target text not null,
     state text not null, reason text, by text not null,
     began_at timestamptz not null default clock_timestamp(), gives_up_at timestamptz not null,
     primary key (update_id, target))`,
  `create table notifications.seen (
     workload text not null, what text not null, state text not null,
     primary key (workload, what))`,
]

/** From the end of its time on, who sends has had time to write down what became of it. */
const RECORDED_WITHIN_SECONDS = 5

interface Row {
  readonly id: string
  readonly subject: string
  readonly draft: Draft
  readonly audience: Audience
  readonly deliveries:
    | readonly {
        readonly target: string
        readonly state: 'sending' | Delivery['state']
        readonly reason: string | null
        readonly by: string
        readonly began_at: string
        readonly is_over: boolean
      }[]
    | null
}

/** Stakeholder updates and where they went, in Lifeboat's own database. */
export class Updates {
  private constructor(private readonly store: StateDatabase) {}

  static async open(store: StateDatabase): Promise<Updates> {
    await store.migrate('notifications', MIGRATIONS)
    return new Updates(store)
  }

  /** Keeps a draft; of one occasion there is only one, whichever process comes first. */
  async add(
    subject: string,
    occasion: string,
    { draft, audience }: { draft: Draft; audience: Audience },
  ): Promise<void> {
    await this.store.query(
      `insert into notifications.updates (subject, occasion, draft, audience) values ($1, $2, $3, $4)
       on conflict (subject, occasion) do nothing`,
      [subject, occasion, JSON.stringify(draft), JSON.stringify(audience)],
    )
  }

  /** Which occasions of a subject have a draft. */
  async occasionsOf(subject: string): Promise<Set<string>> {
    const rows = await this.store.query<{ occasion: string }>(
      'select occasion from notifications.updates where subject = $1',
      [subject],
    )
    return new Set(rows.map(({ occasion }) => occasion))
  }

  /** Oldest first. */
  async list(subject: string): Promise<Update[]> {
    const rows = await this.store.query<Row>(
      `select u.id, u.subject, u.draft, u.audience,
         (select json_agg(json_build_object('target', d.target, 'state', d.state, 'reason', d.reason,
            'by', d.by, 'began_at', d.began_at, 'is_over', clock_timestamp() > d.gives_up_at) order by d.began_at)
          from notifications.deliveries d where d.update_id = u.id) as deliveries
       from notifications.updates u where u.subject = $1 order by u.id`,
      [subject],
    )
    return rows.map(updateOf)
  }

  /**
   * Notes that somebody is about to send, before anything leaves this machine.
   *
   * @param over  what state it may be in already; a person may try again what has failed
   * @returns false: somebody else has sent it, or is about to, so that it must not be sent
   */
  async claim(
    update: string,
    target: Target,
    by: string,
    over: readonly ('failed' | 'unknown')[] = [],
  ): Promise<boolean> {
    const rows = await this.store.query(
      `insert into notifications.deliveries as d (update_id, target, state, by, gives_up_at)
       values ($1, $2, 'sending', $3, clock_timestamp() + make_interval(secs => $4))
       on conflict (update_id, target) do update
         set state = 'sending', reason = null, by = excluded.by,
             began_at = excluded.began_at, gives_up_at = excluded.gives_up_at
         where d.state = any($5::text[])
            or ('unknown' = any($5::text[]) and d.state = 'sending' and clock_timestamp() > d.gives_up_at)
       returning 1`,
      [update, target.name, by, target.timeoutSeconds + RECORDED_WITHIN_SECONDS, over],
    )
    return rows.length > 0
  }

  async settle(update: string, target: string, became: Delivery): Promise<void> {
    await this.store.query(
      `update notifications.deliveries set state = $3, reason = $4
       where update_id = $1 and target = $2 and state = 'sending'`,
      [update, target, became.state, became.reason ?? null],
    )
  }

  /**
   * Remembers how something is that a watch looks at.
   *
   * @returns how it was; undefined when it was never seen. Of several watches only one is told of a change
   */
  async see(workload: string, what: string, state: string): Promise<string | undefined> {
    const [row] = await this.store.query<{ was: string | null }>(
      `with former as (select state from notifications.seen where workload = $1 and what = $2)
       insert into notifications.seen as s (workload, what, state) values ($1, $2, $3)
       on conflict (workload, what) do update set state = excluded.state where s.state <> excluded.state
       returning (select state from former) as was`,
      [workload, what, state],
    )
    return row ? (row.was ?? undefined) : state
  }
}

function updateOf({ id, subject, draft, audience, deliveries }: Row): Update {
  const tried = (deliveries ?? []).map(
    ({ target, state, reason, by, began_at, is_over }): UpdateDelivery => {
      const isLeft = state === 'sending' && is_over
      const why = isLeft ? 'whoever sent it died before it was known' : reason
      return {
        target,
        state: isLeft ? 'unknown' : state,
        ...(why !== null && { reason: why }),
        by,
        at: new Date(began_at),
      }
    },
  )
  const untried = audience.targets
    .filter(({ name }) => !tried.some((one) => one.target === name))
    .map(
      ({ name, send }): UpdateDelivery => ({
        target: name,
        state: send === 'automatic' ? 'due' : 'waits',
      }),
    )
  return { id, subject, audience, ...draft, deliveries: [...tried, ...untried] }
}
