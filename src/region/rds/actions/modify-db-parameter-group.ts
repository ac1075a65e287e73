import type { ModifyDBParameterGroupMessage, Parameter } from '../../protocol/models/rds.ts'
import { invalidCombination, invalidValue } from '../faults.ts'
import { applyDynamic } from '../parameters/apply-parameters.ts'
import { type ParameterDefinition, parametersOf } from '../parameters/catalog.ts'
import {
  type ParameterGroup,
  type ParameterSetting,
  parametersIn,
} from '../parameters/parameter-groups.ts'
import { checkedParameterValue } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { synchronousReplicas } from '../server-settings.ts'

const MOST_AT_ONCE = 20

/**
 * ModifyDBParameterGroup: dynamic parameters reach running servers at once, static ones at the next reboot.
 *
 * Source: Amazon RDS API Reference, ModifyDBParameterGroup.
 */
export async function modifyDBParameterGroup(rds: Rds, input: ModifyDBParameterGroupMessage) {
  const group = rds.parameterGroups.get(input.DBParameterGroupName ?? '')
  rds.parameterGroups.checkModifiable(group)
  const parameters = input.Parameters ?? []
  if (parameters.length < 1 || parameters.length > MOST_AT_ONCE) {
    throw invalidValue(`A maximum of ${MOST_AT_ONCE} parameters can be modified in a request.`)
  }
  const settings = parameters.map((parameter) => readSetting(group, parameter))
  await rds.parameterGroups.change(group.name, (before) => {
    const values = { ...before.values, ...Object.fromEntries(settings) }
    checkSynchronous(values)
    return { ...before, values }
  })
  const immediate = settings.filter(([, { applyMethod }]) => applyMethod === 'immediate')
  await applyDynamic(
    rds,
    group.name,
    immediate.map(([name]) => name),
  )
  const arn = rds.names.arn('pg', group.name)
  for (const [name, { value, applyMethod }] of settings) {
    await rds.events.record(
      { source: 'db-parameter-group', identifier: group.name, arn },
      'parameter changed',
      `${name} to ${value} with apply method ${applyMethod}`,
    )
  }
  return { DBParameterGroupName: group.name }
}

/**
 * Whoever asks for commits that are on the disks of two regions does not also ask for less.
 *
 * @throws RdsFault `InvalidParameterCombination`
 */
function checkSynchronous(values: ParameterGroup['values']): void {
  if (synchronousReplicas(parametersIn(values)) === 0) return
  const { value: level = 'on' } = values.synchronous_commit ?? {}
  if (level === 'on' || level === 'remote_apply') return
  throw invalidCombination(
    `synchronous_commit = ${level} does not wait for what lifeboat.synchronous_replicas asks for.`,
  )
}

function readSetting(
  group: ParameterGroup,
  { ParameterName, ParameterValue, ApplyMethod }: Parameter,
): [string, ParameterSetting] {
  const definition = definitionIn(group, ParameterName)
  if (ParameterValue === undefined) {
    throw invalidValue(`The parameter ParameterValue must be provided for ${definition.name}.`)
  }
  const value = checkedParameterValue(definition, ParameterValue)
  return [definition.name, { value, applyMethod: checkedApplyMethod(definition, ApplyMethod) }]
}

/** @throws RdsFault `InvalidParameterValue` for one that is not in the allow-list */
export function definitionIn(
  { family }: ParameterGroup,
  name: string | undefined,
): ParameterDefinition {
  const major = Number(family.slice('postgres'.length))
  const definition = parametersOf(major).get(name?.toLowerCase() ?? '')
  if (!definition) throw invalidValue(`Could not find parameter with name: ${name ?? ''}`)
  return definition
}

/** @throws RdsFault `InvalidParameterCombination`, `InvalidParameterValue` */
export function checkedApplyMethod(
  { applyType }: ParameterDefinition,
  method: string | undefined,
): ParameterSetting['applyMethod'] {
  if (method === 'pending-reboot') return method
  if (method !== 'immediate') {
    throw invalidValue('The parameter ApplyMethod must be immediate or pending-reboot.')
  }
  if (applyType === 'static') {
    throw invalidCombination('cannot use immediate apply method for static parameter')
  }
  return method
}
