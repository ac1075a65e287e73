import type { DescribeClustersRequest } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import { clusterShape, DEFAULT_CLUSTER } from '../cluster.ts'
import type { Ecs } from '../ecs.ts'

const MOST = 100

/** DescribeClusters: those that are named, or `default`. Source: ECS API Reference, DescribeClusters. */
export async function describeClusters(ecs: Ecs, input: DescribeClustersRequest) {
  const asked = input.clusters?.length ? input.clusters : [DEFAULT_CLUSTER]
  if (asked.length > MOST) throw invalidParameter(`Clusters cannot have more than ${MOST} elements`)
  const answers = asked.map((nameOrArn) => {
    const cluster = ecs.findCluster(nameOrArn)
    return cluster ? { cluster } : { arn: arnOf(ecs, nameOrArn) }
  })
  return {
    clusters: answers.flatMap(({ cluster }) =>
      cluster ? [clusterShape(ecs, cluster, input.include)] : [],
    ),
    failures: answers.flatMap(({ arn }) => (arn ? [{ arn, reason: 'MISSING' }] : [])),
  }
}

function arnOf(ecs: Ecs, nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : ecs.arns.cluster(nameOrArn)
}
