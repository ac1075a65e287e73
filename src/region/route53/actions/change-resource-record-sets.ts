import {
  type ChangeResourceRecordSetsRequest,
  Route53Fault,
} from '../../protocol/models/route-53.ts'
import { carryOut } from '../change-batch.ts'
import { type RecordChange, readChange } from '../record-change.ts'
import { invalidInput, noSuchHealthCheck, type Route53 } from '../route53.ts'

/** Source: Route 53 Developer Guide, "Maximums on API requests". */
const MAX_VALUES = 1_000
const MAX_CHARACTERS = 32_000
const MAX_COMMENT_LENGTH = 256

/**
 * ChangeResourceRecordSets: all changes of a batch, or none of them. The answer comes when they are durable; the name server
 * answers by them a moment later, see GetChange.
 *
 * Unlike AWS: there are simple, weighted, failover and multivalue routing only, aliases of records of the same zone only, and ten types
 * of records.
 * Source: Route 53 API Reference, ChangeResourceRecordSets.
 */
export async function changeResourceRecordSets(
  route53: Route53,
  { HostedZoneId, ChangeBatch }: ChangeResourceRecordSetsRequest,
) {
  const comment = ChangeBatch?.Comment
  if ((comment ?? '').length > MAX_COMMENT_LENGTH) {
    throw invalidInput(
      `Invalid parameter : Comment must have at most ${MAX_COMMENT_LENGTH} characters.`,
    )
  }
  const asked = ChangeBatch?.Changes ?? []
  if (asked.length === 0) throw invalidInput('Invalid request: Changes must not be empty.')
  route53.getZone(HostedZoneId)
  const changes = asked.map(readChange)
  checkSize(changes)
  const { directory } = route53
  const change = directory.write((edit) => {
    const zone = route53.getZone(HostedZoneId)
    for (const { action, set } of changes) {
      const { healthCheckId: id } = set
      if (action !== 'DELETE' && id !== undefined && !directory.check(id)) {
        throw noSuchHealthCheck(id)
      }
    }
    const outcome = carryOut(zone, changes, (name) => directory.setsAt(zone.id, name))
    if (outcome.problems) throw invalidChangeBatch(outcome.problems)
    for (const set of outcome.removed) edit.removeSet(zone.id, set)
    for (const set of outcome.put) edit.putSet(zone.id, set)
    edit.putZone({ ...zone, setCount: outcome.setCount })
    return route53.publish(edit, { zoneId: zone.id, names: outcome.names }, comment)
  })
  return { ChangeInfo: route53.changeInfo(change) }
}

/** An upsert counts twice: it deletes and it creates. */
function checkSize(changes: readonly RecordChange[]): void {
  let values = 0
  let characters = 0
  for (const { action, set } of changes) {
    const times = action === 'UPSERT' ? 2 : 1
    values += times * (set.values?.length ?? 0)
    characters += times * (set.values ?? []).reduce((sum, value) => sum + value.length, 0)
  }
  if (values > MAX_VALUES) {
    throw invalidChangeBatch([`Number of records limit of ${MAX_VALUES} exceeded.`])
  }
  if (characters > MAX_CHARACTERS) {
    throw invalidChangeBatch([`Number of characters limit of ${MAX_CHARACTERS} exceeded.`])
  }
}

function invalidChangeBatch(problems: readonly string[]) {
  return new Route53Fault('InvalidChangeBatch', `[${problems.join(', ')}]`)
}
