/**
 * A backup window, `hh24:mi-hh24:mi` in UTC, that begins half a day from now: no automatic backup comes into the middle of what
 * a test does, whatever the time of day at which it runs.
 */
export function quietBackupWindow(now = new Date()): string {
  const hour = (now.getUTCHours() + 12) % 24
  const text = (one: number) => `${String(one % 24).padStart(2, '0')}:00`
  return `${text(hour)}-${text(hour + 1)}`
}
