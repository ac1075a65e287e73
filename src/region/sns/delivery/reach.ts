import { lookup } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'
import { LifeboatError } from '../../../core/errors.ts'

/** Where messages may be sent: to this machine only, or to other machines, too. */
export type Reach = 'loopback' | 'network'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Addresses that no message is ever sent to: they are nobody's, everybody's, or those at which a machine tells its own
 * credentials.
 *
 * Source: IANA, "Special-Purpose Address Registry"; EC2 User Guide, "Instance metadata".
 */
const FORBIDDEN = new BlockList()
FORBIDDEN.addSubnet('0.0.0.0', 8, 'ipv4')
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4')
FORBIDDEN.addSubnet('224.0.0.0', 3, 'ipv4')
FORBIDDEN.addAddress('100.100.100.200', 'ipv4')
FORBIDDEN.addAddress('::', 'ipv6')
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6')
FORBIDDEN.addAddress('fd00:ec2::254', 'ipv6')

export function isReachable(address: string, reach: Reach): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
  // Other ways of writing an IPv4 address as an IPv6 one: mapped in hex digits, NAT64, 6to4.
  if (family === 'ipv6' && /^(::ffff:|64:ff9b:|2002:)/i.test(plain)) return false
  if (LOOPBACK.check(plain, family)) return true
  return reach === 'network' && !FORBIDDEN.check(plain, family)
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
