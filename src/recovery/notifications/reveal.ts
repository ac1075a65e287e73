import type { RegionClient } from '../../aws/region-client.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Reveal } from './send.ts'

/**
 * Finds secrets where a workload file says that they are.
 *
 * @param region  of Secrets Manager
 */
export function revealOf(
  region: string,
  around: {
    environment: (name: string) => string | undefined
    reach: (region: string) => Promise<RegionClient>
  },
): Reveal {
  return async (place) => {
    const name = place.slice(place.indexOf(':') + 1)
    if (place.startsWith('secret:')) {
      const { secrets } = await around.reach(region)
      return await secrets.getText(name)
    }
    const value = around.environment(name)
    if (value) return value
    throw new LifeboatError('ResourceNotFound', `'${name}' is not set in the environment`)
  }
}
