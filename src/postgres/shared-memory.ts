import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Shared memory that outlives a killed server. */
export interface SharedMemory {
  /** Files in `/dev/shm`, PostgreSQL's dynamic shared memory. */
  readonly files: readonly string[]
  /** Identifier of the System V segment that guards the data directory; the kernel keeps 4,096 of them. */
  readonly segment: number | undefined
}

/** What the server on a data directory holds; to be asked while its processes, `pids`, still run. */
export async function findSharedMemory(
  dataDirectory: string,
  pids: readonly number[],
): Promise<SharedMemory> {
  const maps = await Promise.all(pids.map((pid) => readIfThere(`/proc/${pid}/maps`)))
  const files = maps.flatMap((text) => text.match(/\/dev\/shm\/PostgreSQL\.\d+/g) ?? [])
  // Line 7 of the lock file: key and identifier. Source: miscadmin.h, LOCK_FILE_LINE_SHMEM_KEY.
  const line = (await readIfThere(join(dataDirectory, 'postmaster.pid'))).split('\n')[6] ?? ''
  const [, segment] = /^\s*\d+\s+(\d+)/.exec(line) ?? []
  return {
    files: [...new Set(files)],
    segment: segment === undefined ? undefined : Number(segment),
  }
}

/** Gives back what a server that is dead has left. The next one on its folder would do so too, if there is one. */
export async function releaseSharedMemory({ files, segment }: SharedMemory): Promise<void> {
  await Promise.all(files.map((file) => rm(file, { force: true })))
  if (segment === undefined || !(await isUnattached(segment))) return
  try {
    await promisify(execFile)('ipcrm', ['-m', String(segment)])
  } catch (error) {
    // Not installed, or somebody was quicker: it is 56 bytes, and the next server on the folder takes them back.
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

/** Source: proc(5), /proc/sysvipc/shm: key, shmid, perms, size, cpid, lpid, nattch. */
async function isUnattached(segment: number): Promise<boolean> {
  const rows = (await readIfThere('/proc/sysvipc/shm'))
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
  const row = rows.find((columns) => columns[1] === String(segment))
  return row?.[6] === '0' && row[3] === '56'
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}
