import { LifeboatError } from '../core/errors.ts'

/**
 * Says in our words why a folder could not be made, read or written.
 *
 * @throws LifeboatError `DiskFull`, `FolderNotUsable`; anything else is thrown again as it is
 */
export function throwFolderFailure(folder: string, cause: unknown): never {
  if (isDiskFull(cause)) throw diskFull(folder, cause)
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'ENOENT':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      throw new LifeboatError(
        'FolderNotUsable',
        `'${folder}' cannot be used: ${(cause as Error).message}`,
        { hint: 'Give this account the right to write there, or choose another folder.', cause },
      )
    default:
      throw cause
  }
}

export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

export function diskFull(folder: string, cause?: unknown): LifeboatError {
  return new LifeboatError('DiskFull', `the disk that holds '${folder}' is full`, {
    hint: 'Free some space and try again; nothing that was committed is lost.',
    cause,
  })
}
