import { type Circumstances, chooseSets, contentOf } from './choose.ts'
import { isWithin, labelsOf, type Name, parentOf, readName, WILDCARD } from './name.ts'
import type { Question } from './query.ts'
import { RECORD_TYPES, type RecordType } from './rdata.ts'
import { type Answer, RCODE, type WireRecord } from './response.ts'
import type { Zone } from './zone.ts'

const MAX_CNAMES = 16
/** What is asked for with `ANY`, and zone transfers; none of them is given. */
const ANY = 255
const TRANSFERS = new Set([251, 252])
const HINFO = 13
const ANY_TTL_SECONDS = 3789

const TYPE_BY_NUMBER = new Map<number, RecordType>(
  (Object.keys(RECORD_TYPES) as RecordType[]).map((type) => [RECORD_TYPES[type], type]),
)

/**
 * Answers a question from the zone that its name lies in.
 *
 * Source: RFC 1034, 4.3.2; RFC 2308 for names and types that are not there; RFC 4592 for wildcards.
 */
export function resolve(zone: Zone, { name, type }: Question, now: Circumstances): Answer {
  if (TRANSFERS.has(type)) return answer(RCODE.refused, {})
  const answers: WireRecord[] = []
  const seen = new Set<Name>()
  for (let at = name; ; ) {
    const cut = delegationAbove(zone, at)
    if (cut !== undefined) return referral(zone, cut, answers, now)

    const found = locate(zone, at)
    if (!found) return negative(zone, RCODE.noSuchName, answers, now)
    if (type === ANY) return answer(RCODE.noError, { answers: [...answers, refusalOfAny(at)] })
    const wanted = TYPE_BY_NUMBER.get(type)
    const records = wanted ? recordsOf(zone, found, wanted, at, now) : []
    if (records.length > 0) return positive(zone, [...answers, ...records], now)

    const [alias] = recordsOf(zone, found, 'CNAME', at, now)
    if (!alias) return negative(zone, RCODE.noError, answers, now)
    answers.push(alias)
    seen.add(at)
    at = readName(alias.rdata, 0)!.name
    const isOver = !isWithin(at, zone.apex) || seen.has(at) || answers.length >= MAX_CNAMES
    if (isOver) return positive(zone, answers, now)
  }
}

/** The name whose records answer for it: its own or those of a wildcard; undefined when there is no such name. */
function locate(zone: Zone, name: Name): Name | undefined {
  if (zone.exists(name)) return name
  let encloser = parentOf(name)
  while (encloser !== undefined && !zone.exists(encloser)) encloser = parentOf(encloser)
  const wildcard = encloser ? `${WILDCARD}.${encloser}` : WILDCARD
  return zone.node(wildcard).size > 0 ? wildcard : undefined
}

/** The topmost name at or above it, below the apex, that is given to other name servers. */
function delegationAbove(zone: Zone, name: Name): Name | undefined {
  const labels = labelsOf(name)
  const below = labels.length - labelsOf(zone.apex).length
  for (let skipped = below - 1; skipped >= 0; skipped -= 1) {
    const at = labels.slice(skipped).join('.')
    if (zone.sets(at, 'NS').length > 0) return at
  }
  return undefined
}

function recordsOf(
  zone: Zone,
  found: Name,
  type: RecordType,
  owner: Name,
  now: Circumstances,
): WireRecord[] {
  const chosen = chooseSets(zone.sets(found, type), zone, now)
  const records = chosen.flatMap((set) =>
    contentOf(set, zone, now).flatMap(({ ttlSeconds, rdata }) =>
      rdata.map((one) => ({ name: owner, type: RECORD_TYPES[type], ttlSeconds, rdata: one })),
    ),
  )
  const first = records.length > 1 ? now.random(records.length) : 0
  return [...records.slice(first), ...records.slice(0, first)]
}

function positive(zone: Zone, answers: WireRecord[], now: Circumstances): Answer {
  return answer(RCODE.noError, {
    answers,
    courtesies: recordsOf(zone, zone.apex, 'NS', zone.apex, now),
    additionals: addressesOf(zone, answers, now),
  })
}

/** The SOA record says how long it may be remembered that there is none: the lesser of its TTL and its last number. */
function negative(zone: Zone, rcode: number, answers: WireRecord[], now: Circumstances): Answer {
  const authorities = recordsOf(zone, zone.apex, 'SOA', zone.apex, now).map((soa) => ({
    ...soa,
    ttlSeconds: Math.min(soa.ttlSeconds, soa.rdata.readUInt32BE(soa.rdata.length - 4)),
  }))
  return answer(rcode, { answers, authorities })
}

function referral(zone: Zone, cut: Name, answers: WireRecord[], now: Circumstances): Answer {
  const authorities = recordsOf(zone, cut, 'NS', cut, now)
  const additionals = addressesOf(zone, authorities, now)
  const isAuthoritative = answers.length > 0
  return { ...answer(RCODE.noError, { answers, authorities, additionals }), isAuthoritative }
}

/** Where in the value of a record another name stands, whose addresses are wanted next. */
const NAME_OFFSETS = new Map<number, number>([
  [RECORD_TYPES.NS, 0],
  [RECORD_TYPES.MX, 2],
  [RECORD_TYPES.SRV, 6],
])

function addressesOf(zone: Zone, records: readonly WireRecord[], now: Circumstances): WireRecord[] {
  const names = records.flatMap(({ type, rdata }) => {
    const offset = NAME_OFFSETS.get(type)
    return offset === undefined ? [] : [readName(rdata, offset)!.name]
  })
  return [...new Set(names)].flatMap((name) =>
    (['A', 'AAAA'] as const).flatMap((type) => recordsOf(zone, name, type, name, now)),
  )
}

/** Source: RFC 8482, 4.2: one small record in place of all. */
function refusalOfAny(name: Name): WireRecord {
  const rdata = Buffer.from('\x07RFC8482\x00', 'latin1')
  return { name, type: HINFO, ttlSeconds: ANY_TTL_SECONDS, rdata }
}

function answer(rcode: number, parts: Partial<Answer>): Answer {
  return {
    rcode,
    isAuthoritative: rcode !== RCODE.refused,
    answers: [],
    authorities: [],
    courtesies: [],
    additionals: [],
    ...parts,
  }
}
