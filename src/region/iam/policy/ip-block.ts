import { BlockList, isIP } from 'node:net'

/** Whether an IP address is in a block, as `203.0.113.0/24` or one address. */
export function isInBlock(address: string, block: string): boolean {
  const parsed = parseBlock(block)
  if (!parsed) return false
  const list = new BlockList()
  list.addSubnet(parsed.address, parsed.bits, parsed.family)
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

export function isBlock(text: string): boolean {
  return parseBlock(text) !== undefined
}

function parseBlock(text: string) {
  const [, address = '', bits] = /^([0-9a-fA-F.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  const most = version === 6 ? 128 : 32
  const length = bits === undefined ? most : Number(bits)
  if (version === 0 || length > most) return undefined
  return { address, bits: length, family: version === 6 ? 'ipv6' : 'ipv4' } as const
}
