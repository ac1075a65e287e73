import { type Route53Actions, route53Model } from '../protocol/models/route-53.ts'
import type { Service } from '../protocol/service.ts'
import { route53Accesses } from './accesses.ts'
import { changeResourceRecordSets } from './actions/change-resource-record-sets.ts'
import { getChange } from './actions/get-change.ts'
import {
  getHealthCheckLastFailureReason,
  getHealthCheckStatus,
} from './actions/health-check-status.ts'
import {
  createHealthCheck,
  deleteHealthCheck,
  getHealthCheck,
  getHealthCheckCount,
  listHealthChecks,
} from './actions/health-checks.ts'
import {
  createHostedZone,
  deleteHostedZone,
  getHostedZone,
  getHostedZoneCount,
  updateHostedZoneComment,
} from './actions/hosted-zones.ts'
import { listHostedZones, listHostedZonesByName } from './actions/list-hosted-zones.ts'
import { listResourceRecordSets } from './actions/list-resource-record-sets.ts'
import { changeTagsForResource, listTagsForResource, listTagsForResources } from './actions/tags.ts'
import { testDnsAnswer } from './actions/test-dns-answer.ts'
import { updateHealthCheck } from './actions/update-health-check.ts'
import { Route53, type Route53Options } from './route53.ts'

/** Amazon Route 53's API for public zones and health checks, without DNSSEC, traffic policies and query logs. */
export function route53Service(o: Route53Options): Service {
  const route53 = new Route53(o)
  const actions = {
    ChangeResourceRecordSets: (input) => changeResourceRecordSets(route53, input),
    ChangeTagsForResource: (input) => changeTagsForResource(route53, input),
    CreateHealthCheck: (input) => createHealthCheck(route53, input),
    CreateHostedZone: (input) => createHostedZone(route53, input),
    DeleteHealthCheck: (input) => deleteHealthCheck(route53, input),
    DeleteHostedZone: (input) => deleteHostedZone(route53, input),
    GetChange: (input) => getChange(route53, input),
    GetHealthCheck: (input) => getHealthCheck(route53, input),
    GetHealthCheckCount: () => getHealthCheckCount(route53),
    GetHealthCheckLastFailureReason: (input) => getHealthCheckLastFailureReason(route53, input),
    GetHealthCheckStatus: (input) => getHealthCheckStatus(route53, input),
    GetHostedZone: (input) => getHostedZone(route53, input),
    GetHostedZoneCount: () => getHostedZoneCount(route53),
    ListHealthChecks: (input) => listHealthChecks(route53, input),
    ListHostedZones: (input) => listHostedZones(route53, input),
    ListHostedZonesByName: (input) => listHostedZonesByName(route53, input),
    ListResourceRecordSets: (input) => listResourceRecordSets(route53, input),
    ListTagsForResource: (input) => listTagsForResource(route53, input),
    ListTagsForResources: (input) => listTagsForResources(route53, input),
    TestDNSAnswer: (input) => testDnsAnswer(route53, input),
    UpdateHealthCheck: (input) => updateHealthCheck(route53, input),
    UpdateHostedZoneComment: (input) => updateHostedZoneComment(route53, input),
  } satisfies Route53Actions
  return {
    model: route53Model,
    actions,
    accesses: (operation, input) => route53Accesses(operation, input),
  }
}
