import type {
  ContainerDefinition,
  HealthCheck,
  KeyValuePair,
  NetworkMode,
  PortMapping,
} from '../protocol/models/ecs.ts'
import { checkedCount, checkedName, clientError, refuseUnsupported } from './checks.ts'
import { checkedDependencies } from './start-order.ts'
import type { Container } from './task-definition.ts'
import { parseSecretReference } from './tasks/secret-reference.ts'

const MAX_CONTAINERS = 10
const DEPENDENCY_CONDITIONS = ['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']

/**
 * The containers of a task definition, checked, with ECS's defaults filled in.
 *
 * Unlike AWS: `cpu`, `memory` and `memoryReservation` are kept and limit nothing; `logConfiguration` is kept, and output goes
 * to a file of the region.
 *
 * @throws EcsFault `ClientException`, `UnsupportedOperation` for what a process of this machine cannot be given
 * Source: ECS API Reference, ContainerDefinition.
 */
export function checkedContainers(
  containers: readonly ContainerDefinition[],
  { networkMode }: { networkMode: NetworkMode | undefined },
): Container[] {
  if (containers.length < 1 || containers.length > MAX_CONTAINERS) {
    throw clientError(`A task definition has 1 to ${MAX_CONTAINERS} container definitions.`)
  }
  const checked = containers.map((container) => checkedContainer(container, networkMode))
  const names = new Set(checked.map(({ name }) => name))
  if (names.size < checked.length) {
    throw clientError('Container definitions must have unique names.')
  }
  if (!checked.some(({ essential }) => essential)) {
    throw clientError('At least one container in the task definition must be essential.')
  }
  checkedDependencies(checked)
  return checked
}

function checkedContainer(
  container: ContainerDefinition,
  networkMode: NetworkMode | undefined,
): Container {
  const name = checkedName('The container name', container.name)
  const { image = '', portMappings = [], environment = [], secrets = [] } = container
  if (!/^[\w./:@#-]{1,255}$/.test(image)) throw clientError('Container.image is invalid')
  refuseUnsupported(unsupportedIn(container))
  checkVariables(name, environment, secrets)
  checkStrings(`command of container '${name}'`, container.command)
  checkStrings(`entryPoint of container '${name}'`, container.entryPoint)
  for (const { containerName, condition } of container.dependsOn ?? []) {
    if (containerName && DEPENDENCY_CONDITIONS.includes(condition ?? '')) continue
    throw clientError(`The dependency of container '${name}' is not valid.`)
  }
  const { startTimeout, stopTimeout, healthCheck } = container
  const most = { least: 0, most: 3600, usual: 0 }
  checkedCount('startTimeout', startTimeout, most)
  checkedCount('stopTimeout', stopTimeout, most)
  return {
    ...container,
    name,
    image,
    cpu: container.cpu ?? 0,
    essential: container.essential ?? true,
    portMappings: portMappings.map((mapping) => checkedMapping(mapping, networkMode)),
    environment: [...environment],
    mountPoints: [],
    volumesFrom: [],
    systemControls: [],
    ...(healthCheck ? { healthCheck: checkedHealthCheck(healthCheck) } : {}),
  }
}

function unsupportedIn(container: ContainerDefinition): Record<string, unknown> {
  const { repositoryCredentials, links, restartPolicy, environmentFiles, mountPoints } = container
  const { volumesFrom, linuxParameters, hostname, user, disableNetworking, privileged } = container
  const { readonlyRootFilesystem, dnsServers, dnsSearchDomains, extraHosts, ulimits } = container
  const { dockerSecurityOptions, interactive, pseudoTerminal, systemControls } = container
  const { resourceRequirements, firelensConfiguration, credentialSpecs } = container
  const ofProcess = { hostname, user, privileged, interactive, pseudoTerminal, linuxParameters }
  const ofFiles = { mountPoints, volumesFrom, readonlyRootFilesystem, environmentFiles, ulimits }
  const ofNetwork = { links, disableNetworking, dnsServers, dnsSearchDomains, extraHosts }
  const others = { dockerSecurityOptions, systemControls, resourceRequirements, credentialSpecs }
  return {
    ...{ ...ofProcess, ...ofFiles, ...ofNetwork, ...others },
    ...{ repositoryCredentials, restartPolicy, firelensConfiguration },
  }
}

function checkVariables(
  container: string,
  environment: readonly KeyValuePair[],
  secrets: NonNullable<ContainerDefinition['secrets']>,
): void {
  for (const { name = '' } of [...environment, ...secrets]) {
    if (name !== '' && !/[=\0]/.test(name)) continue
    throw clientError(`Container '${container}' has an environment variable without a name.`)
  }
  const taken = new Set(environment.map(({ name }) => name))
  for (const { name, valueFrom } of secrets) {
    if (taken.has(name)) {
      throw clientError(
        'The secret name must be unique and not shared with any new or existing environment variables ' +
          `set on the container, such as '${name}'.`,
      )
    }
    taken.add(name)
    parseSecretReference(valueFrom ?? '')
  }
}

function checkStrings(what: string, strings: readonly string[] | undefined): void {
  if (strings?.some((text) => text.includes('\0'))) throw clientError(`The ${what} is not valid.`)
}

/** Source: ECS API Reference, PortMapping. */
function checkedMapping(mapping: PortMapping, networkMode: NetworkMode | undefined): PortMapping {
  refuseUnsupported({
    'portMappings.containerPortRange': mapping.containerPortRange,
    'portMappings.appProtocol': mapping.appProtocol,
  })
  if (networkMode === 'none') {
    throw clientError("Port mappings are not valid when networkMode is 'none'.")
  }
  const { containerPort = 0, protocol = 'tcp' } = mapping
  const isFixed = networkMode === 'awsvpc' || networkMode === 'host'
  const hostPort = mapping.hostPort ?? (isFixed ? containerPort : 0)
  if (!isPort(containerPort) || (hostPort !== 0 && !isPort(hostPort))) {
    throw clientError('A port is a whole number from 1 to 65535.')
  }
  if (isFixed && hostPort !== containerPort) {
    throw clientError(
      `When networkMode=${networkMode}, the host ports and container ports in port mappings must match.`,
    )
  }
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw clientError(`The protocol '${protocol}' is not valid.`)
  }
  return { ...mapping, containerPort, hostPort, protocol }
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535
}

/** Source: ECS API Reference, HealthCheck. */
function checkedHealthCheck(check: HealthCheck): HealthCheck {
  const [kind, ...rest] = check.command ?? []
  const isCommand = (kind === 'CMD' || kind === 'CMD-SHELL') && rest.length > 0
  if (!isCommand || (kind === 'CMD-SHELL' && rest.length > 1)) {
    throw clientError('A health check command begins with CMD or CMD-SHELL, and names a command.')
  }
  const { interval, timeout, retries, startPeriod } = check
  return {
    command: [kind!, ...rest],
    interval: checkedCount('interval', interval, { least: 5, most: 300, usual: 30 }),
    timeout: checkedCount('timeout', timeout, { least: 2, most: 60, usual: 5 }),
    retries: checkedCount('retries', retries, { least: 1, most: 10, usual: 3 }),
    ...(startPeriod === undefined
      ? {}
      : {
          startPeriod: checkedCount('startPeriod', startPeriod, { least: 0, most: 300, usual: 0 }),
        }),
  }
}
