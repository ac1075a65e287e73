import type {
  CapacityProviderStrategyItem,
  LaunchType,
  NetworkConfiguration,
  PropagateTags,
} from '../protocol/models/ecs.ts'
import { invalidParameter, refuseUnsupported } from './checks.ts'
import type { TaskDefinitionRecord } from './task-definition.ts'

/** What CreateService, UpdateService and RunTask say alike of how tasks are to be run. */
export interface LaunchInput {
  readonly launchType?: LaunchType | undefined
  readonly platformVersion?: string | undefined
  readonly networkConfiguration?: NetworkConfiguration | undefined
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[] | undefined
  readonly placementConstraints?: readonly object[] | undefined
  readonly placementStrategy?: readonly object[] | undefined
  readonly volumeConfigurations?: readonly object[] | undefined
}

export interface LaunchOptions {
  readonly launchType: LaunchType
  readonly platformVersion?: string
  readonly networkConfiguration?: NetworkConfiguration
}

/**
 * Where and how tasks are to be run. Unlike AWS: tasks run on this machine, whatever the launch type, and with no network of their own;
 * subnets and security groups are kept.
 *
 * @throws EcsFault `InvalidParameterException`, `UnsupportedOperation`
 */
export function checkedLaunch(input: LaunchInput, definition: TaskDefinitionRecord): LaunchOptions {
  const { capacityProviderStrategy, placementConstraints, placementStrategy } = input
  const { volumeConfigurations, launchType = 'EC2', networkConfiguration } = input
  refuseUnsupported({
    ...{ capacityProviderStrategy, placementConstraints, placementStrategy, volumeConfigurations },
  })
  if (launchType !== 'EC2' && launchType !== 'FARGATE') {
    refuseUnsupported({ [`launchType ${launchType}`]: true })
  }
  const isVpc = definition.content.networkMode === 'awsvpc'
  if (isVpc && !networkConfiguration?.awsvpcConfiguration?.subnets?.length) {
    throw invalidParameter(
      "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    )
  }
  if (!isVpc && networkConfiguration?.awsvpcConfiguration) {
    throw invalidParameter(
      'Network Configuration is not valid for the given networkMode of this task definition.',
    )
  }
  const isFargate = launchType === 'FARGATE'
  if (isFargate && !definition.content.compatibilities?.includes('FARGATE')) {
    throw invalidParameter(`Task definition does not support launch_type ${launchType}.`)
  }
  if (!isFargate && input.platformVersion) {
    throw invalidParameter('The platform version must be null when specifying an EC2 launch type.')
  }
  return {
    launchType,
    ...(isFargate ? { platformVersion: input.platformVersion ?? 'LATEST' } : {}),
    ...(networkConfiguration ? { networkConfiguration: withDefaults(networkConfiguration) } : {}),
  }
}

function withDefaults({ awsvpcConfiguration }: NetworkConfiguration): NetworkConfiguration {
  const {
    subnets = [],
    securityGroups = [],
    assignPublicIp = 'DISABLED',
  } = awsvpcConfiguration ?? {}
  return { awsvpcConfiguration: { subnets, securityGroups, assignPublicIp } }
}

/** The roles that somebody hands to ECS with a task definition. */
export function rolesOf(definition: TaskDefinitionRecord | undefined): string[] {
  const { taskRoleArn, executionRoleArn } = definition?.content ?? {}
  return [taskRoleArn, executionRoleArn].flatMap((role) => role ?? [])
}

export function checkedPropagation(asked: PropagateTags | undefined): PropagateTags {
  const propagateTags = asked ?? 'NONE'
  if (['NONE', 'SERVICE', 'TASK_DEFINITION'].includes(propagateTags)) return propagateTags
  throw invalidParameter(`propagateTags '${propagateTags}' is not valid.`)
}
