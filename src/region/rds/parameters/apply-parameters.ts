import type { LiveInstance } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { reconfigure, withParameters } from '../server-settings.ts'

/**
 * Gives dynamic parameters to every running server that uses a group: what its group has for them at this moment.
 * Others wait for a reboot.
 *
 * Unlike AWS: changed parameters are in effect when the call answers.
 */
export async function applyDynamic(
  rds: Rds,
  groupName: string,
  parameters: readonly string[],
): Promise<void> {
  if (parameters.length === 0) return
  const users = rds.instances().filter(({ record }) => record.settings.parameterGroup === groupName)
  await Promise.all(users.map((instance) => applyTo(rds, instance, parameters)))
}

async function applyTo(rds: Rds, instance: LiveInstance, names: readonly string[]): Promise<void> {
  if (!instance.isServing) return
  const group = rds.parameterGroups.parametersOf(instance.record.settings.parameterGroup)
  await instance.change((record) =>
    withParameters(record, replaced(record.appliedParameters, group, names)),
  )
  await reconfigure(rds, instance)
}

function replaced(
  applied: Readonly<Record<string, string>>,
  group: Readonly<Record<string, string>>,
  names: readonly string[],
): Record<string, string> {
  const others = Object.entries(applied).filter(([name]) => !names.includes(name))
  const these = Object.entries(group).filter(([name]) => names.includes(name))
  return Object.fromEntries([...others, ...these])
}
