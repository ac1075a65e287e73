import type { World } from '../../../aws/region-client.ts'
import { formatDuration } from '../../../core/duration.ts'

const EMBEDDED_SECONDS = 10
const EMBEDDED_BYTES_PER_SECOND = 100e6
/** Public acceptance tests restore a tiny instance in 20 to 25 minutes. */
const AWS_SECONDS = 1_350

/** How long a restore and all around it may take: a rough guess until this workload was drilled. */
export function restoreForecast(world: World, databaseBytes: number): string {
  const seconds =
    world === 'embedded'
      ? EMBEDDED_SECONDS + databaseBytes / EMBEDDED_BYTES_PER_SECOND
      : AWS_SECONDS
  const size = `${Math.max(1, Math.round(databaseBytes / 1e6))} MB`
  return `roughly ${formatDuration(Math.round(seconds))} for ${size} (a guess, not a measurement)`
}
