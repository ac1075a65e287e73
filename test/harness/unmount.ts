import { spawnSync } from 'node:child_process'
import { until } from './protected-cluster.ts'

/** Takes a mounted disk away again, as soon as the system has closed the files of processes that ended. */
export async function unmount(folder: string): Promise<void> {
  await until(() => spawnSync('umount', [folder]).status === 0, `'${folder}' is unmounted`)
}
