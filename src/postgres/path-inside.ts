import { normalize, sep } from 'node:path'
import { LifeboatError } from '../core/errors.ts'

/**
 * A list of files could come from somebody else: nothing is ever written outside of the folder that was named.
 *
 * @throws LifeboatError `VaultDamaged`
 */
export function checkInside(path: string): void {
  const isInside = path !== '' && !path.startsWith(sep) && !normalize(path).startsWith('..')
  if (isInside) return
  throw new LifeboatError(
    'VaultDamaged',
    `the backup names a file outside of its folder: '${path}'`,
  )
}
