import type { ResetDBParameterGroupMessage } from '../../protocol/models/rds.ts'
import { invalidCombination } from '../faults.ts'
import { applyDynamic } from '../parameters/apply-parameters.ts'
import type { Rds } from '../rds.ts'
import { checkedApplyMethod, definitionIn } from './modify-db-parameter-group.ts'

/**
 * ResetDBParameterGroup: some or all parameters of a group go back to the engine's defaults.
 *
 * Source: Amazon RDS API Reference, ResetDBParameterGroup.
 */
export async function resetDBParameterGroup(rds: Rds, input: ResetDBParameterGroupMessage) {
  const group = rds.parameterGroups.get(input.DBParameterGroupName ?? '')
  rds.parameterGroups.checkModifiable(group)
  const named = input.Parameters ?? []
  const isAll = input.ResetAllParameters ?? named.length === 0
  if (isAll && named.length > 0) {
    throw invalidCombination('Parameters can not be named when ResetAllParameters is true.')
  }
  const reset = isAll
    ? Object.keys(group.values).map((name) => ({ name, isImmediate: true }))
    : named.map(({ ParameterName, ApplyMethod }) => {
        const definition = definitionIn(group, ParameterName)
        return {
          name: definition.name,
          isImmediate: checkedApplyMethod(definition, ApplyMethod) === 'immediate',
        }
      })
  const names = new Set(reset.map(({ name }) => name))
  await rds.parameterGroups.change(group.name, (before) => ({
    ...before,
    values: Object.fromEntries(Object.entries(before.values).filter(([name]) => !names.has(name))),
  }))
  const dynamic = reset.filter(
    ({ name, isImmediate }) => isImmediate && definitionIn(group, name).applyType === 'dynamic',
  )
  await applyDynamic(
    rds,
    group.name,
    dynamic.map(({ name }) => name),
  )
  return { DBParameterGroupName: group.name }
}
