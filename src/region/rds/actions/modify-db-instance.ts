import type { ModifyDBInstanceMessage } from '../../protocol/models/rds.ts'
import { instanceAlreadyExists, invalidValue } from '../faults.ts'
import { checkPortFree } from '../free-ports.ts'
import { instanceShape } from '../instance-shape.ts'
import { expireBackups } from '../jobs/expire-backups.ts'
import { modifyInstance } from '../jobs/modify-instance.ts'
import { readModification, withModification } from '../modification.ts'
import type { Rds } from '../rds.ts'
import { refuseUnsupported } from '../unsupported.ts'

/**
 * ModifyDBInstance: some changes are made at once, others wait in `PendingModifiedValues` for the maintenance window
 * unless `ApplyImmediately`.
 *
 * Source: Amazon RDS API Reference, ModifyDBInstance.
 */
export async function modifyDBInstance(rds: Rds, input: ModifyDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  refuseUnsupported(input)
  if (input.Engine !== undefined && input.Engine !== 'postgres') {
    throw invalidValue(`Invalid DB engine: ${input.Engine}`)
  }
  if (input.DBPortNumber !== instance.record.port) await checkPortFree(rds, input.DBPortNumber)

  const group = instance.record.settings.parameterGroup
  const record = await rds.naming(() =>
    instance.begin('modify', {
      prepare: async (before) => {
        const asked = readModification(rds, before, input)
        const after = withModification(before, asked, input.ApplyImmediately ?? false)
        const { identifier } = after.applying ?? {}
        if (identifier !== undefined && rds.isIdentifierTaken(identifier, before.resourceId)) {
          throw instanceAlreadyExists()
        }
        return after
      },
      isWorkNeeded: ({ applying }) => applying !== undefined,
      work: modifyInstance(rds),
      refused: () => 'Database instance is not in available state.',
    }),
  )
  if (record.settings.parameterGroup !== group) {
    await rds.tell(instance, 'parameter group changed', record.settings.parameterGroup)
  }
  await expireBackups(rds, record)
  return { DBInstance: instanceShape(rds, record) }
}
