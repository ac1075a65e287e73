import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'

/** `deleting`: first the record, then the data (I3). What a killed region leaves is swept at its next start. */
export function deleteInstance(rds: Rds): Work {
  return async (instance) => {
    await instance.server.end()
    await rds.forgetInstance(instance)
    await rds.tell(instance, 'instance deleted')
    await instance.server.removeData()
  }
}
