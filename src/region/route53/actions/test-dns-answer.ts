import { isWithin } from '../../../dns/name.ts'
import { isRecordType, RECORD_TYPES } from '../../../dns/rdata.ts'
import { resolve } from '../../../dns/resolve.ts'
import { RCODE } from '../../../dns/response.ts'
import { Zone } from '../../../dns/zone.ts'
import type { TestDNSAnswerRequest } from '../../protocol/models/route-53.ts'
import { servedSet } from '../engine-shapes.ts'
import { displayName, domainName } from '../names.ts'
import { rdataText } from '../rdata-text.ts'
import { invalidInput, type Route53, unavailable } from '../route53.ts'

const RESPONSE_CODES = new Map<number, string>([
  [RCODE.noError, 'NOERROR'],
  [RCODE.noSuchName, 'NXDOMAIN'],
])

/**
 * TestDNSAnswer: what the name server answers by the records as they are now and by the health that it knows, or knew when it
 * died.
 *
 * Unlike AWS: where the asker is makes no difference, so a resolver and a client subnet are refused.
 * Source: Route 53 API Reference, TestDNSAnswer.
 */
export async function testDnsAnswer(route53: Route53, input: TestDNSAnswerRequest) {
  if (input.ResolverIP || input.EDNS0ClientSubnetIP || input.EDNS0ClientSubnetMask) {
    throw unavailable('Answers that depend on the resolver are')
  }
  const { id, name: apex } = route53.getZone(input.HostedZoneId)
  const name = domainName(input.RecordName ?? '', invalidInput)
  const { RecordType: type = '' } = input
  if (!isRecordType(type)) {
    throw invalidInput(
      `Invalid parameter : RecordType '${type}' is not one of ${Object.keys(RECORD_TYPES).join(', ')}.`,
    )
  }
  if (!isWithin(name, apex)) {
    throw invalidInput(
      `Invalid parameter : ${displayName(name)} does not lie within ${displayName(apex)}`,
    )
  }
  const question = { name, type: RECORD_TYPES[type], class: 1, bytes: Buffer.alloc(0) }
  const zone = Zone.of(apex, route53.directory.sets(id).map(servedSet))
  const answer = resolve(zone, question, {
    isHealthy: (check) => route53.dataPlane.load(check)?.isHealthy ?? true,
    random: (limit) => Number.parseInt(route53.random.hex(12), 16) % limit,
  })
  return {
    Nameserver: 'ns-1.dns.localhost',
    RecordName: displayName(name),
    RecordType: type,
    RecordData: answer.answers.map(rdataText),
    ResponseCode: RESPONSE_CODES.get(answer.rcode) ?? 'SERVFAIL',
    Protocol: 'UDP',
  }
}
