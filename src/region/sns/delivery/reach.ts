import { lookup } from 'node:dns/promises'
import { LifeboatError } from '../../../core/errors.ts'
import { EVERYWHERE, Targets } from '../../../dns/health/targets.ts'

/** Where messages may be sent: to this machine only, or to other machines, too. */
export type Reach = 'loopback' | 'network'

const TARGETS = { loopback: new Targets(), network: new Targets(EVERYWHERE) }

export function isReachable(address: string, reach: Reach): boolean {
  return TARGETS[reach].isAllowed(address)
}

/**
 * The address that a host name stands for now; undefined when any of its addresses may not be reached. A request goes to
 * this address and not to the name, which might mean another one a moment later.
 *
 * @throws the failure of the system's resolver
 */
export async function reachableAddress(host: string, reach: Reach): Promise<string | undefined> {
  const found = await lookup(host.replace(/^\[(.*)\]$/, '$1'), { all: true })
  const isFine = found.length > 0 && found.every(({ address }) => isReachable(address, reach))
  return isFine ? found[0]!.address : undefined
}

/**
 * Where topics may send messages: what `LIFEBOAT_SNS_REACH` says, else to this machine only.
 *
 * @throws LifeboatError `InvalidUsage`
 */
export function snsReach(environment: Readonly<Record<string, string | undefined>>): Reach {
  const text = environment.LIFEBOAT_SNS_REACH
  if (text === undefined || text === '' || text === 'loopback') return 'loopback'
  if (text === 'network') return 'network'
  throw new LifeboatError('InvalidUsage', `LIFEBOAT_SNS_REACH is '${text}'`, {
    hint: "Set it to 'loopback', or to 'network' to let topics send messages to other machines.",
  })
}
