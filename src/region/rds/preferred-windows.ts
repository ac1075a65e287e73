import type { Random } from '../../core/random.ts'
import { invalidValue } from './faults.ts'
import { DAY_MINUTES, overlap, type RecurringWindow, WEEK_MINUTES } from './recurring-window.ts'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const SHORTEST_MINUTES = 30
const TIME = '([01]\\d|2[0-3]):([0-5]\\d)'

/**
 * Reads a daily backup window, `hh24:mi-hh24:mi` in UTC. It may cross midnight.
 *
 * @throws RdsFault `InvalidParameterValue`
 */
export function parseBackupWindow(text: string): RecurringWindow {
  const match = new RegExp(`^${TIME}-${TIME}$`).exec(text)
  if (!match) {
    throw invalidValue(
      `Invalid backup window format: ${text}. ` +
        'Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC).',
    )
  }
  const [, startHour, startMinute, endHour, endMinute] = match.map(Number)
  const window = between(minutes(startHour, startMinute), minutes(endHour, endMinute), DAY_MINUTES)
  if (window.lengthMinutes < SHORTEST_MINUTES) {
    throw invalidValue('The backup window must be at least 30 minutes.')
  }
  return window
}

/**
 * Reads a weekly maintenance window, `ddd:hh24:mi-ddd:hh24:mi` in UTC, in any case.
 *
 * @throws RdsFault `InvalidParameterValue`
 */
export function parseMaintenanceWindow(text: string): RecurringWindow {
  const day = `(${DAYS.join('|')})`
  const match = new RegExp(`^${day}:${TIME}-${day}:${TIME}$`, 'i').exec(text)
  if (!match) {
    throw invalidValue(
      `Invalid maintenance window format: ${text}. ` +
        'Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC).',
    )
  }
  const [start, end] = [match.slice(1, 4), match.slice(4, 7)].map(
    ([name = '', hour, minute]) =>
      DAYS.indexOf(name.toLowerCase()) * DAY_MINUTES + minutes(Number(hour), Number(minute)),
  )
  const window = between(start ?? 0, end ?? 0, WEEK_MINUTES)
  if (window.lengthMinutes < SHORTEST_MINUTES) {
    throw invalidValue('The maintenance window must be at least 30 minutes.')
  }
  if (window.lengthMinutes >= DAY_MINUTES) {
    throw invalidValue('The maintenance window must be less than 24 hours.')
  }
  return window
}

/** The inverse of `parseBackupWindow`. */
export function formatBackupWindow({ startMinute, lengthMinutes }: RecurringWindow): string {
  return `${clockTime(startMinute)}-${clockTime(startMinute + lengthMinutes)}`
}

/** The inverse of `parseMaintenanceWindow`; days in lower case, as AWS answers them. */
export function formatMaintenanceWindow({ startMinute, lengthMinutes }: RecurringWindow): string {
  return [startMinute, startMinute + lengthMinutes]
    .map((minute) => `${DAYS[Math.floor(minute / DAY_MINUTES) % 7]}:${clockTime(minute)}`)
    .join('-')
}

/**
 * The two windows of an instance, as asked for or else 30 minutes at random, never overlapping. Adjacent ones
 * are legal, as `03:00-04:00` and `mon:04:00-mon:05:00`.
 *
 * Unlike AWS: a random window lies anywhere in the day, not in the region's eight hours of night.
 *
 * @throws RdsFault `InvalidParameterValue`
 */
export function chooseWindows(
  asked: { backup?: string | undefined; maintenance?: string | undefined },
  random: Random,
): { backupWindow: string; maintenanceWindow: string } {
  const backup = asked.backup === undefined ? undefined : parseBackupWindow(asked.backup)
  const maintenance =
    asked.maintenance === undefined ? undefined : parseMaintenanceWindow(asked.maintenance)
  const chosenMaintenance =
    maintenance ?? drawn(WEEK_MINUTES, random, (one) => !backup || !overlap(one, backup))
  const chosenBackup =
    backup ?? drawn(DAY_MINUTES, random, (one) => !overlap(one, chosenMaintenance))
  if (overlap(chosenBackup, chosenMaintenance)) {
    throw invalidValue('The backup window and maintenance window must not overlap.')
  }
  return {
    backupWindow: formatBackupWindow(chosenBackup),
    maintenanceWindow: formatMaintenanceWindow(chosenMaintenance),
  }
}

/** A window of 30 minutes on a whole minute; the last resort walks on until one fits. */
function drawn(
  periodMinutes: number,
  random: Random,
  fits: (window: RecurringWindow) => boolean,
): RecurringWindow {
  const first = Number.parseInt(random.hex(8), 16)
  for (let step = 0; step < periodMinutes; step++) {
    const window = {
      periodMinutes,
      startMinute: (first + step) % periodMinutes,
      lengthMinutes: SHORTEST_MINUTES,
    }
    if (fits(window)) return window
  }
  throw invalidValue('The backup window and maintenance window must not overlap.')
}

function between(start: number, end: number, periodMinutes: number): RecurringWindow {
  const lengthMinutes = (end - start + periodMinutes) % periodMinutes
  return { periodMinutes, startMinute: start, lengthMinutes }
}

function minutes(hour = 0, minute = 0): number {
  return hour * 60 + minute
}

function clockTime(minute: number): string {
  const ofDay = minute % DAY_MINUTES
  return [Math.floor(ofDay / 60), ofDay % 60].map((part) => String(part).padStart(2, '0')).join(':')
}
