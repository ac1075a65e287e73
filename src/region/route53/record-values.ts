import { encodeRdata, RdataError, type RdataProblem, type RecordType } from '../../dns/rdata.ts'
import { NAME_PROBLEMS } from './names.ts'
import type { SetRecord } from './records.ts'

const MAX_VALUES = 400

/** How Route 53 calls what is wrong with a value; what users have not reported is in the likeness of what they have. */
function wordsFor(problem: RdataProblem, type: RecordType): string {
  switch (problem) {
    case 'not IPv4':
      return 'ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)'
    case 'not IPv6':
      return 'AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)'
    case 'not quoted':
      return 'InvalidCharacterString (Value should be enclosed in quotation marks)'
    case 'long string':
      return 'CharacterStringTooLong (Value is too long)'
    case 'number of fields':
      return `${type}RRDATAIllegalFields (${type} record doesn't have the fields that it must have)`
    case 'not a number':
      return `${type}RRDATAIllegalNumber (Value is not a number in its range)`
    default:
      return NAME_PROBLEMS[problem]
  }
}

/** What is wrong with the values of a set, in the words of `InvalidChangeBatch`. */
export function valueProblems({ type, values = [] }: SetRecord): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const value of values) {
    try {
      const rdata = encodeRdata(type, value).toString('latin1')
      if (seen.has(rdata)) problems.push(`Duplicate Resource Record: '${value}'`)
      seen.add(rdata)
    } catch (error) {
      if (!(error instanceof RdataError)) throw error
      const words = wordsFor(error.problem, type)
      problems.push(
        `Invalid Resource Record: 'FATAL problem: ${words} encountered with '${value}''`,
      )
    }
  }
  const isSingle = type === 'CNAME' || type === 'SOA'
  if (isSingle && values.length > 1) {
    problems.push(`A resource record set of type ${type} can have one value only.`)
  }
  if (values.length > MAX_VALUES) {
    problems.push(`Number of values limit of ${MAX_VALUES} exceeded.`)
  }
  return problems
}

/** Whether a set is the same in all that it says: what is spelled in another way is not another value. */
export function isSameSet(a: SetRecord, b: SetRecord): boolean {
  return JSON.stringify(meaningOf(a)) === JSON.stringify(meaningOf(b))
}

function meaningOf(set: SetRecord): unknown[] {
  const { name, type, setIdentifier, weight, failover, isMultiValue, healthCheckId, ttl } = set
  const values = set.values?.map((value) => encodeRdata(type, value).toString('hex')).sort()
  const alias = set.alias && [set.alias.name, set.alias.evaluatesTargetHealth]
  const routing = [setIdentifier, weight, failover, isMultiValue, healthCheckId]
  return [name, type, ...routing, ttl, values, alias]
}
