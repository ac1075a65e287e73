import { clientError } from './checks.ts'
import type { Container } from './task-definition.ts'

/**
 * The containers in an order in which each comes behind those that it depends on; as they were defined otherwise.
 *
 * @throws EcsFault `ClientException` for a circle, and for a container that there is not
 */
export function checkedDependencies(containers: readonly Container[]): Container[] {
  const byName = new Map(containers.map((container) => [container.name, container]))
  const ordered: Container[] = []
  const onTheWay = new Set<string>()
  const visit = (container: Container) => {
    if (ordered.includes(container)) return
    if (onTheWay.has(container.name)) throw clientError('Container dependencies are circular.')
    onTheWay.add(container.name)
    for (const { containerName = '', condition } of container.dependsOn ?? []) {
      const other = byName.get(containerName)
      if (!other) {
        throw clientError(
          `Container '${container.name}' depends on '${containerName}', which is not in the task definition.`,
        )
      }
      if ((condition === 'COMPLETE' || condition === 'SUCCESS') && other.essential) {
        throw clientError(
          `Container '${containerName}' must not be essential, as another waits until it has ended.`,
        )
      }
      if (condition === 'HEALTHY' && !other.healthCheck) {
        throw clientError(
          `Container '${containerName}' needs a health check, as another waits until it is healthy.`,
        )
      }
      visit(other)
    }
    onTheWay.delete(container.name)
    ordered.push(container)
  }
  for (const container of containers) visit(container)
  return ordered
}
