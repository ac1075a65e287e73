import { Resolver } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { NameError, parseName, readName } from '../name.ts'
import { RECORD_TYPES } from '../rdata.ts'
import type { Zones } from '../zones.ts'
import type { Targets } from './targets.ts'

/** In milliseconds. */
const LOOK_UP_MS = 2_000

/**
 * The IPv4 address of a host: as our own zones say, or this machine's for `localhost`. Others are asked only where health
 * checks may leave this machine.
 */
export async function hostAddress(
  host: string,
  zones: Zones,
  targets: Targets,
): Promise<string | undefined> {
  if (isIPv4(host)) return host
  if (/(^|\.)localhost\.?$/i.test(host)) return '127.0.0.1'
  const found = inZones(host, zones)
  if (found?.address || !targets.isBeyondLoopback) return found?.address
  return await fromOthers(found?.canonical ?? host)
}

function inZones(host: string, zones: Zones): { address?: string; canonical?: string } | undefined {
  try {
    const name = parseName(host)
    const answer = zones.answer({ name, type: RECORD_TYPES.A, class: 1, bytes: Buffer.alloc(0) })
    const last = answer?.answers.at(-1)
    if (last?.type === RECORD_TYPES.A) return { address: [...last.rdata].join('.') }
    return last?.type === RECORD_TYPES.CNAME ? { canonical: readName(last.rdata, 0)!.name } : {}
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}

async function fromOthers(host: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: LOOK_UP_MS, tries: 1 })
  try {
    const [address] = await resolver.resolve4(host)
    return address
  } catch (error) {
    // Whatever the resolver says, there is no address.
    if (error instanceof Error) return undefined
    throw error
  }
}
