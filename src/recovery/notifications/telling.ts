/** What the command line calls to tell people, or to look at what they were told. */
import type { RegionClient } from '../../aws/region-client.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Delivery } from '../../probe/post.ts'
import type { ExecutionsApi } from '../../runbook/execution.ts'
import type { StateDatabase } from '../../runbook/state-database.ts'
import { RUNBOOKS, summary } from '../runbooks/all.ts'
import type { Workload } from '../workload.ts'
import { Notifier } from './notifier.ts'
import { deliver, Outbox } from './outbox.ts'
import { revealOf } from './reveal.ts'
import { type Update, Updates } from './updates.ts'
import { WatchNotices } from './watch-notices.ts'

/** What telling people needs. */
export interface NotificationSurroundings {
  readonly database: StateDatabase
  /** The region where secrets of targets are. */
  readonly reach: (region: string) => Promise<RegionClient>
  readonly clock: Clock
  /** A variable of Lifeboat's environment, where secrets of targets may be. */
  readonly environment: (name: string) => string | undefined
}

/** Sends what goes out by itself. */
function outboxOf(
  { database, clock, ...around }: NotificationSurroundings,
  say: (line: string) => void,
): Outbox {
  return new Outbox({ database, clock, reveal: (region) => revealOf(region, around), say })
}

/** Tells people of the executions that this process executes, as their workload says. */
export function notifierOf(
  around: NotificationSurroundings,
  executions: Pick<ExecutionsApi, 'get' | 'waitFor'>,
  say: (line: string) => void,
): Notifier {
  const title = (name: string) => RUNBOOKS.find((one) => one.name === name)?.title ?? name
  const outbox = outboxOf(around, say)
  return new Notifier({ outbox, executions, report: summary, title, clock: around.clock })
}

/** Tells people what a watch of a workload sees. */
export function watchNoticesOf(
  workload: Workload,
  around: NotificationSurroundings,
  say: (line: string) => void,
): WatchNotices {
  return new WatchNotices({ workload, outbox: outboxOf(around, say), clock: around.clock })
}

/**
 * Sends an update because a person says so: to those who have not been told, or to one of them.
 *
 * @param o.target  the only one to tell
 * @param o.isAgain  also to those who may have been told, which nobody knows
 * @returns what became of it, by the name of the target; nothing of those who have been told
 * @throws LifeboatError `UpdateNotFound`
 */
export async function sendUpdate(
  { database, clock, ...around }: NotificationSurroundings,
  o: { subject: string; update: string; by: string; target?: string; isAgain?: boolean },
): Promise<Map<string, Delivery>> {
  const updates = await Updates.open(database)
  const update = (await updates.list(o.subject)).find(({ id }) => id === o.update)
  const names = update?.audience.targets.map(({ name }) => name) ?? []
  if (!update || (o.target !== undefined && !names.includes(o.target))) {
    const what = update ? `target '${o.target}' of update '${o.update}'` : `update '${o.update}'`
    throw new LifeboatError('UpdateNotFound', `'${o.subject}' has no ${what}`, {
      hint: `List them with 'lifeboat execution updates ${o.subject}'.`,
    })
  }
  const reveal = revealOf(update.audience.region, around)
  const over = o.isAgain ? (['failed', 'unknown'] as const) : (['failed'] as const)
  const send = async (name: string) => {
    const became = await deliver(update, name, { updates, reveal, clock, by: o.by, over })
    return became ? [[name, became] as const] : []
  }
  const wanted = o.target === undefined ? names : [o.target]
  return new Map((await Promise.all(wanted.map(send))).flat())
}

/** The updates of an execution, or of `watch-WORKLOAD`, oldest first. */
export async function listUpdates(database: StateDatabase, subject: string): Promise<Update[]> {
  return (await Updates.open(database)).list(subject)
}
