import { parseDuration } from '../../../core/duration.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { DAY_MS } from './rules.ts'

/**
 * How long a day of lifecycle rules is, in milliseconds: what `LIFEBOAT_LIFECYCLE_DAY` says, as `10s`, so that a rehearsal sees
 * within seconds what takes days; else a day.
 *
 * @throws LifeboatError `InvalidUsage`, `InvalidDuration`
 */
export function lifecycleDayMs(environment: Readonly<Record<string, string | undefined>>): number {
  const text = environment.LIFEBOAT_LIFECYCLE_DAY
  if (text === undefined || text === '') return DAY_MS
  const dayMs = parseDuration(text) * 1000
  if (dayMs >= 1000 && dayMs <= DAY_MS) return dayMs
  throw new LifeboatError('InvalidUsage', `LIFEBOAT_LIFECYCLE_DAY is '${text}'`, {
    hint: 'Set it to a duration from 1s to 24h, or leave it away.',
  })
}
