import { join } from 'node:path'
import { ObjectStore } from '../../objectstore/object-store.ts'
import { SealingKey } from '../protocol/sealing-key.ts'
import type { StreamService } from '../protocol/stream-service.ts'
import { batchSource } from './batch-source.ts'
import { BucketDirectory } from './bucket-directory.ts'
import { Lifecycle } from './lifecycle/lifecycle.ts'
import { S3, type S3Options } from './s3.ts'
import { s3Service } from './service.ts'

/**
 * Opens Amazon S3 on the objects that a folder holds, or on none. It replicates, and expires objects, from `begin` on.
 *
 * @param o.directoryFolder  where the regions of a home tell each other of their buckets
 * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
 */
export async function openS3(
  o: Omit<S3Options, 'store' | 'directory'> & { folder: string; directoryFolder: string },
): Promise<{
  stream: StreamService
  batchSource: ReturnType<typeof batchSource>
  replication: S3['replication']
  begin: () => void
  close: () => Promise<void>
}> {
  const key = await SealingKey.open(join(o.folder, 'sealing.key'))
  const { clock, random } = o
  const encryptionKey = key.derive('objects')
  const store = await ObjectStore.open({
    folder: join(o.folder, 'objects'),
    encryptionKey,
    clock,
    random,
  })
  const { region, directoryFolder } = o
  const directory = await BucketDirectory.open({ folder: directoryFolder, region, random }, store)
  const s3 = new S3({ ...o, store, directory })
  const lifecycle = new Lifecycle(s3, o.replication.onError)
  return {
    stream: s3Service(s3),
    batchSource: batchSource(s3),
    replication: s3.replication,
    begin: () => {
      s3.replication.start()
      lifecycle.start()
    },
    close: async () => {
      await lifecycle.close()
      await s3.replication.close()
      await store.close()
    },
  }
}
