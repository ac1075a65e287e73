import { LifeboatError } from './errors.ts'

const SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
}

/**
 * Seconds in a duration as people write one: `5s`, `15m`, `4 hours`, `1h 30m`.
 *
 * @throws LifeboatError `InvalidDuration`; a number without a unit is refused, because `5` could be anything.
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/gi)]
  const isWhole = parts.map((part) => part[0]).join('') === text.trim() && parts.length > 0
  if (!isWhole) throw invalid(text, `'${text}' is not a duration`)

  return parts.reduce((seconds, [, amount, unit]) => {
    if (!unit) throw invalid(text, `'${text}' has no unit: ${amount} what?`)
    const factor = SECONDS[unit.toLowerCase()]
    if (factor === undefined) throw invalid(text, `'${unit}' in '${text}' is not a unit of time`)
    return seconds + Number(amount) * factor
  }, 0)
}

/** The shortest exact form in whole units: `15m`, `1h 30m`, `2.5s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 2 : 1))}s`
  const whole = Math.round(seconds)
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'm'],
    [whole % 60, 's'],
  ]
  return parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ')
}

function invalid(text: string, message: string) {
  const hint = /^\d+(\.\d+)?$/.test(text.trim())
    ? `Add a unit: '${text.trim()}s', '${text.trim()}m' or '${text.trim()}h'.`
    : "Write a number and a unit, like '5s', '15m', '4 hours' or '1h 30m'."
  return new LifeboatError('InvalidDuration', message, { hint })
}
