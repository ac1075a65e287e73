import { type GetChangeRequest, Route53Fault } from '../../protocol/models/route-53.ts'
import type { Route53 } from '../route53.ts'

/**
 * GetChange: `PENDING`, or `INSYNC` once the name server answers by the change. While it is dead nothing gets in sync.
 *
 * Source: Route 53 API Reference, GetChange.
 */
export async function getChange(route53: Route53, { Id }: GetChangeRequest) {
  const bare = (Id ?? '').replace(/^\/?change\//, '')
  const change = route53.directory.change(bare)
  if (!change) {
    throw new Route53Fault('NoSuchChange', `A change with the specified ID does not exist: ${bare}`)
  }
  return { ChangeInfo: route53.changeInfo(change) }
}
