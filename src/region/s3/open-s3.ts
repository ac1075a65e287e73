import { join } from 'node:path'
import { ObjectStore } from '../../objectstore/object-store.ts'
import { SealingKey } from '../protocol/sealing-key.ts'
import type { StreamService } from '../protocol/stream-service.ts'
import type { S3Options } from './s3.ts'
import { s3Service } from './service.ts'

/**
 * Opens Amazon S3 on the objects that a folder holds, or on none.
 *
 * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
 */
export async function openS3(
  o: Omit<S3Options, 'store'> & { folder: string },
): Promise<{ stream: StreamService; close: () => Promise<void> }> {
  const key = await SealingKey.open(join(o.folder, 'sealing.key'))
  const { clock, random } = o
  const encryptionKey = key.derive('objects')
  const store = await ObjectStore.open({
    folder: join(o.folder, 'objects'),
    encryptionKey,
    clock,
    random,
  })
  return { stream: s3Service({ ...o, store }), close: () => store.close() }
}
