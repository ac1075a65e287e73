import { Fault } from '../../protocol/fault.ts'
import type { Alarm, AlarmState, Transition } from './alarm.ts'
import type { Alarms } from './alarms.ts'
import type { StateValue } from './evaluate.ts'
import type { AlarmHistory } from './history.ts'
import { type AlarmNotification, notificationOf } from './notification.ts'
import { alarmTime } from './state-reason.ts'

/** Hands a notification to a topic; resolves once that is durable. @throws Fault when the topic refuses it */
export type Notify = (
  topicArn: string,
  alarmArn: string,
  notification: AlarmNotification,
) => Promise<void>

/** Another state for an alarm. */
export interface NewState {
  readonly value: StateValue
  readonly reason: string
  readonly reasonData?: string
}

/**
 * Puts alarms into other states, and does what they say is to be done then.
 *
 * A change of state and what it entails are stored in one; then the history tells of it and the actions are executed; then
 * that is stored. Whoever finds a change that is not done, does the rest: an action may be executed twice when the process
 * dies in between, with the same message id.
 */
export class Transitions {
  constructor(
    private readonly alarms: Alarms,
    private readonly history: AlarmHistory,
    private readonly o: { region: string; accountId: string; notify: Notify },
  ) {}

  /**
   * Changes the state of the alarm of a name, if it is another.
   *
   * @param decide  from the alarm as it is; undefined leaves it as it is
   */
  async change(
    name: string,
    decide: (alarm: Alarm) => NewState | undefined | Promise<NewState | undefined>,
  ): Promise<Alarm | undefined> {
    await this.settle(name)
    const { after } = await this.alarms.change(name, async (alarm) => {
      // Somebody else has changed it meanwhile: what that entails comes first.
      if (!alarm || alarm.pending) return alarm
      const to = await decide(alarm)
      if (!to || to.value === alarm.state.value) return alarm
      const updatedAt = laterThan(alarm.state.updatedAt, this.alarms.now())
      const state: AlarmState = { ...to, updatedAt, transitionedAt: updatedAt }
      const actions = alarm.actionsEnabled ? alarm.actions[to.value] : []
      return { ...alarm, state, pending: { from: alarm.state, to: state, actions } }
    })
    await this.settle(name)
    return after && this.alarms.find(name)
  }

  /** Does what a change of state still entails. */
  async settle(name: string): Promise<void> {
    await this.alarms.change(name, async (alarm) => {
      if (!alarm?.pending) return alarm
      const { pending, ...settled } = alarm
      await this.#record(alarm, pending)
      for (const [index, action] of pending.actions.entries()) {
        await this.#execute(alarm, pending, action, index)
      }
      return settled
    })
  }

  async #record(alarm: Alarm, { from, to }: Transition): Promise<void> {
    await this.history.record({
      ...ofTransition(alarm, to),
      kind: 'StateUpdate',
      number: 0,
      summary: `Alarm updated from ${from.value} to ${to.value}`,
      data: JSON.stringify({ version: '1.0', oldState: told(from), newState: told(to) }),
    })
  }

  async #execute(
    alarm: Alarm,
    transition: Transition,
    action: string,
    index: number,
  ): Promise<void> {
    const { to } = transition
    const item = { ...ofTransition(alarm, to), kind: 'Action' as const, number: index + 1 }
    if (this.history.has(item)) return
    const { region, accountId } = this.o
    const notification = notificationOf(alarm, transition, { region, accountId, topicArn: action })
    const failure = await this.#failureOf(() => this.o.notify(action, alarm.arn, notification))
    await this.history.record({
      ...item,
      summary:
        failure === undefined
          ? `Successfully executed action ${action}`
          : `Failed to execute action ${action}. Received error: "${failure}"`,
      data: JSON.stringify({
        actionState: failure === undefined ? 'Succeeded' : 'Failed',
        stateUpdateTimestamp: Date.parse(to.updatedAt),
        notificationResource: action,
        ...(failure === undefined
          ? { publishedMessage: notification.message }
          : { error: failure }),
      }),
    })
  }

  /** A refusal is told in the history, as AWS does; it is not tried again. */
  async #failureOf(work: () => Promise<void>): Promise<string | undefined> {
    try {
      await work()
      return undefined
    } catch (error) {
      if (error instanceof Fault) return error.message
      throw error
    }
  }
}

/** Each change of an alarm has a time of its own, by which its history knows it. ISO 8601, both. */
export function laterThan(before: string, now: Date): string {
  return new Date(Math.max(now.getTime(), Date.parse(before) + 1)).toISOString()
}

function ofTransition(alarm: Alarm, to: AlarmState) {
  return { alarm: alarm.name, alarmKind: alarm.kind, at: to.updatedAt }
}

function told(state: AlarmState): object {
  const { value, reason, reasonData } = state
  return {
    stateValue: value,
    stateReason: reason,
    ...(reasonData === undefined ? {} : { stateReasonData: JSON.parse(reasonData) }),
  }
}

/** How composite alarms tell of a child's state. */
export function triggeringAlarm({ arn, state }: Alarm): object {
  return { arn, state: { value: state.value, timestamp: alarmTime(new Date(state.updatedAt)) } }
}
