import type { Document } from 'yaml'
import { type Mistake, offsetOf } from '../workload-place.ts'
import type { WorkloadSource } from '../workload-schema.ts'
import { notification } from './schema.ts'

/** Every key that some kind of target has. */
export const notificationShape: object = Object.assign(
  {},
  ...notification.options.map(({ shape }) => shape),
)

/** What of notifications is well-formed and makes no sense together. */
export function notificationMistakes(
  document: Document,
  { notifications = [] }: WorkloadSource,
): Mistake[] {
  return notifications.flatMap((target, index) => {
    const mistakes: Mistake[] = []
    const mistake = (key: string, message: string, hint: string) =>
      mistakes.push({ offset: offsetOf(document, ['notifications', index, key]), message, hint })
    if (notifications.findIndex(({ name }) => name === target.name) < index) {
      const hint = 'Give each target a name of its own.'
      mistake('name', `two targets are named '${target.name}'`, hint)
    }
    if (target.kind !== 'email') return mistakes
    if ((target.user === undefined) !== (target.password === undefined)) {
      const [is, missing] = target.user === undefined ? ['password', 'user'] : ['user', 'password']
      mistake(is!, `'${is}' is of no use without '${missing}'`, `Add '${missing}', or leave both.`)
    }
    const { password, tls, server } = target
    if (password !== undefined && tls === 'none' && !/^(localhost|127\.)/.test(server)) {
      const hint = 'Write tls: starttls, or tls: implicit.'
      mistake('tls', 'a password would travel unencrypted', hint)
    }
    return mistakes
  })
}
