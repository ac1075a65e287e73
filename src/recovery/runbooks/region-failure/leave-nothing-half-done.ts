import type { RecoveryTools } from '../data-corruption/tools.ts'
import { isHalfDone } from '../half-done.ts'
import { unfencePrimary } from './fence-primary.ts'
import { unpinDns } from './pin-dns.ts'
import type { Ready } from './readiness.ts'
import type { RegionFailure } from './tools.ts'

/** Takes back what steps before the one-way gate had begun when they failed or died. */
export async function leaveNothingHalfDone(
  input: RegionFailure,
  ready: Ready,
  tools: RecoveryTools,
  execution: string,
): Promise<void> {
  if (await isHalfDone('fence', tools, execution)) {
    await unfencePrimary(input, ready.grants, null, tools, execution)
  }
  if (await isHalfDone('pin-dns', tools, execution)) await unpinDns(ready, tools)
}
