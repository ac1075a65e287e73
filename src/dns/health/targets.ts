import { BlockList, isIP, isIPv4 } from 'node:net'

/** A range of addresses: `10.0.0.0/8`, `2001:db8::/32`. */
export interface AddressRange {
  readonly address: string
  readonly prefix: number
}

/** An address or a range of them; undefined for what is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const [, address = '', prefix] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1
  const bits = prefix === undefined ? most : Number(prefix)
  return most > 0 && bits <= most ? { address, prefix: bits } : undefined
}

const LOOPBACK: readonly AddressRange[] = [
  { address: '127.0.0.0', prefix: 8 },
  { address: '::1', prefix: 128 },
]

/**
 * Addresses that nobody may have asked, whatever is allowed: those at which a machine tells its own credentials, those that are
 * not one host's, and those that stand for an IPv4 address behind a translator.
 *
 * Source: IANA, "Special-Purpose Address Registry"; EC2 User Guide, "Instance metadata", and what other clouds call it.
 */
const NEVER: readonly AddressRange[] = [
  { address: '0.0.0.0', prefix: 8 },
  { address: '169.254.0.0', prefix: 16 },
  { address: '224.0.0.0', prefix: 3 },
  { address: '100.100.100.200', prefix: 32 },
  { address: '168.63.129.16', prefix: 32 },
  { address: '192.0.0.192', prefix: 32 },
  { address: '::', prefix: 128 },
  { address: 'fe80::', prefix: 10 },
  { address: 'ff00::', prefix: 8 },
  { address: 'fd00:ec2::', prefix: 32 },
  { address: 'fd20:ce::254', prefix: 128 },
  { address: '64:ff9b::', prefix: 96 },
  { address: '64:ff9b:1::', prefix: 48 },
  { address: '2002::', prefix: 16 },
]

/** Everything, but for what nobody may have asked. */
export const EVERYWHERE: readonly AddressRange[] = [
  { address: '0.0.0.0', prefix: 0 },
  { address: '::', prefix: 0 },
]

/** Which addresses a home's own requests may reach: this machine's own, and what was allowed explicitly. */
export class Targets {
  readonly #allowed: BlockList
  readonly #never = listOf(NEVER)

  constructor(private readonly more: readonly AddressRange[] = []) {
    this.#allowed = listOf([...LOOPBACK, ...more])
  }

  /** Whether any other machine may be reached. */
  get isBeyondLoopback(): boolean {
    return this.more.length > 0
  }

  /** Asked for the address that is connected to, each time: a name may stand for another one by then. */
  isAllowed(address: string): boolean {
    if (isIP(address) === 0) return false
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    return this.#allowed.check(address, family) && !this.#never.check(address, family)
  }
}

function listOf(ranges: readonly AddressRange[]): BlockList {
  const list = new BlockList()
  for (const { address, prefix } of ranges) {
    list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return list
}
