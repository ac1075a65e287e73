import type { LiveInstance, Work } from '../live-instance.ts'
import { resetMasterUser } from '../master-user.ts'
import { withApplied } from '../modification.ts'
import type { Rds } from '../rds.ts'
import { dropSlot } from '../snapshot-store.ts'
import { backUpInstance, newAutomatedSnapshot } from './back-up.ts'
import { bringDown, bringUp } from './bring-up.ts'

/** `modifying`: carries out what the record says is being applied. Every part can be done twice. */
export function modifyInstance(rds: Rds): Work {
  return async (instance, signal) => {
    const { applying = {}, identifier } = instance.record
    const { sealedMasterPassword, port, identifier: newIdentifier, ...settings } = applying
    const isMoreThanPassword = Object.keys(settings).length > 0 || port !== undefined
    if (isMoreThanPassword) await rds.tell(instance, 'modification began')
    if (!instance.server.isRunning) await bringUp(rds, instance)
    if (sealedMasterPassword !== undefined) await resetPassword(rds, instance, sealedMasterPassword)
    if (port !== undefined) await moveTo(rds, instance, port)

    if (settings.backupRetentionDays === 0) await rds.restoresFrom(instance.record.resourceId)

    await instance.end(signal, 'ready', withApplied)
    if (sealedMasterPassword !== undefined) await rds.tell(instance, 'password reset')
    if (newIdentifier !== undefined) {
      await rds.tell(instance, 'instance renamed', `from ${identifier} to ${newIdentifier}`)
    }
    if (isMoreThanPassword) await rds.tell(instance, 'modification ended')
    if (settings.backupRetentionDays !== undefined) await switchBackups(rds, instance)
  }
}

/** Turning automated backups off deletes all there are; turning them on begins with a backup. */
async function switchBackups(rds: Rds, instance: LiveInstance): Promise<void> {
  const { resourceId, settings } = instance.record
  if (settings.backupRetentionDays > 0) {
    await rds.tell(instance, 'backups enabled')
    await rds.snapshots.add(newAutomatedSnapshot(rds, instance))
    await instance.begin('back up', { work: backUpInstance(rds) })
    return
  }
  await rds.tell(instance, 'backups disabled')
  await rds.removeAutomatedSnapshots(resourceId)
  await rds.backups.remove(resourceId)
  await dropSlot(instance)
}

async function resetPassword(rds: Rds, { record, server }: LiveInstance, sealed: string) {
  await resetMasterUser(server, {
    username: record.masterUsername,
    password: rds.key.password(sealed),
  })
}

async function moveTo(rds: Rds, instance: LiveInstance, port: number): Promise<void> {
  await bringDown(rds, instance)
  await instance.change((record) => ({ ...record, port }))
  await bringUp(rds, instance)
}
