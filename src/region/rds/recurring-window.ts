/**
 * A span of time that comes back every day or every week, in minutes of UTC. Half-open: it holds its first minute
 * and not its end, so that a window may begin when another one ends.
 */
export interface RecurringWindow {
  /** 1,440 for a day, 10,080 for a week that begins on Sunday. */
  readonly periodMinutes: number
  readonly startMinute: number
  readonly lengthMinutes: number
}

export const DAY_MINUTES = 1_440
export const WEEK_MINUTES = 7 * DAY_MINUTES

const MINUTE_MS = 60_000
/** 1 January 1970 was a Thursday, the fifth day of a week that begins on Sunday. */
const EPOCH_MINUTE_OF_WEEK = 4 * DAY_MINUTES

/** When the occurrence that holds `now` began, or undefined outside of the window. */
export function occurrenceAt(window: RecurringWindow, now: Date): Date | undefined {
  const minute = Math.floor(now.getTime() / MINUTE_MS)
  const minuteOfPeriod = (minute + EPOCH_MINUTE_OF_WEEK) % window.periodMinutes
  const since = modulo(minuteOfPeriod - window.startMinute, window.periodMinutes)
  return since < window.lengthMinutes ? new Date((minute - since) * MINUTE_MS) : undefined
}

/** Whether two windows ever have a moment in common. Touching ones have none. */
export function overlap(one: RecurringWindow, other: RecurringWindow): boolean {
  return weekly(one).some((a) =>
    weekly(other).some((b) => {
      const apart = modulo(b.startMinute - a.startMinute, WEEK_MINUTES)
      return apart < a.lengthMinutes || WEEK_MINUTES - apart < b.lengthMinutes
    }),
  )
}

function weekly(window: RecurringWindow): RecurringWindow[] {
  const times = WEEK_MINUTES / window.periodMinutes
  return Array.from({ length: times }, (_, index) => ({
    ...window,
    periodMinutes: WEEK_MINUTES,
    startMinute: window.startMinute + index * window.periodMinutes,
  }))
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
