import type { DescribeServicesRequest } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { serviceShape } from '../service-record.ts'

const MOST = 10

/** DescribeServices: of one cluster, also those that were deleted. Source: ECS API Reference, DescribeServices. */
export async function describeServices(ecs: Ecs, input: DescribeServicesRequest) {
  const { name: cluster } = ecs.getCluster(input.cluster)
  const asked = input.services ?? []
  if (asked.length < 1) throw invalidParameter('Services cannot be empty.')
  if (asked.length > MOST)
    throw invalidParameter(`Services cannot have more than ${MOST} elements.`)
  const answers = asked.map((nameOrArn) => ({
    service: ecs.findService(cluster, nameOrArn),
    arn: nameOrArn.startsWith('arn:') ? nameOrArn : ecs.arns.service(cluster, nameOrArn),
  }))
  return {
    services: answers.flatMap(({ service }) =>
      service ? [serviceShape(ecs, service, input.include)] : [],
    ),
    failures: answers.flatMap(({ service, arn }) => (service ? [] : [{ arn, reason: 'MISSING' }])),
  }
}
