import { Resolver } from 'node:dns/promises'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { queryDns } from './dns.ts'

/** What a name stands for at this moment. */
export interface Resolution {
  /** IPv4, in the order of the answer; empty when the name has none. */
  readonly addresses: readonly string[]
  /** How long it may be believed: the shortest of the answer's. */
  readonly ttlSeconds: number
}

/** How names are looked up: by a name server of one's own, or as the system does. */
export interface NameLookup {
  readonly server?: { readonly host: string; readonly port: number }
  readonly random: Random
}

/**
 * The addresses of a name, asked anew: nothing is remembered here.
 *
 * @throws LifeboatError `NameServerUnreachable`
 */
export async function resolveName(
  name: string,
  { server, random }: NameLookup,
  timeoutMs: number,
): Promise<Resolution> {
  if (!server) return resolveBySystem(name, timeoutMs)
  const { records } = await queryDns({ server, name, type: 'A', timeoutMs, random })
  const found = records.filter(({ type }) => type === 'A')
  return {
    addresses: found.map(({ value }) => value),
    ttlSeconds: Math.min(...records.map(({ ttlSeconds }) => ttlSeconds), 86_400),
  }
}

const NO_SUCH_NAME = ['ENOTFOUND', 'ENODATA']

async function resolveBySystem(name: string, timeoutMs: number): Promise<Resolution> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 })
  try {
    const found = await resolver.resolve4(name, { ttl: true })
    return {
      addresses: found.map(({ address }) => address),
      ttlSeconds: Math.min(...found.map(({ ttl }) => ttl), 86_400),
    }
  } catch (cause) {
    if (NO_SUCH_NAME.includes((cause as NodeJS.ErrnoException).code ?? '')) {
      return { addresses: [], ttlSeconds: 0 }
    }
    throw new LifeboatError('NameServerUnreachable', `no name server answers for ${name}`, {
      hint: 'Check /etc/resolv.conf, and the network.',
      cause,
    })
  }
}
