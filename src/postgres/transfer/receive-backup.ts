import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import { isBackupCovered } from '../recovery-target.ts'
import type { Progress } from '../vault/back-up.ts'
import type { BaseBackup } from '../vault/manifest.ts'
import type { Vault } from '../vault/vault.ts'
import type { WalArchive } from '../wal/wal-archive.ts'
import type { BackupSupply, SuppliedBackup, SupplyDescription } from './backup-supply.ts'
import { receiveWal } from './receive-wal.ts'

export interface Store {
  readonly vault: Vault
  readonly archive: WalArchive
}

/** Lets an archive know whose WAL it is about to hold. @throws LifeboatError `VaultDamaged` when it holds another cluster's */
export async function bindTo(archive: WalArchive, description: SupplyDescription): Promise<void> {
  const { systemIdentifier, segmentBytes, timelines } = description
  await archive.bind({ systemIdentifier, segmentBytes })
  for (const { timeline, history } of timelines) {
    await archive.keepHistoryFile(timeline, history ?? '')
  }
}

/** Where the segment begins that holds a position: an archive begins there. */
export function segmentStart(lsn: Lsn, segmentBytes: number): Lsn {
  const segment = BigInt(segmentBytes)
  return ((lsn / segment) * segment) as Lsn
}

/**
 * Receives one backup and the WAL that makes it consistent. After a crash in the middle it goes on where it was, and until it is
 * complete it is not listed.
 *
 * @throws LifeboatError `BackupNotFound`, `VaultDamaged`, `WalGap`, `DiskFull`, and what the other side throws
 */
export async function receiveBackup(
  supply: BackupSupply,
  { vault, archive }: Store,
  o: {
    backup: SuppliedBackup
    description: SupplyDescription
    signal: AbortSignal
    onProgress?: ((progress: Progress) => void) | undefined
  },
): Promise<BaseBackup> {
  const { id, timeline, startLsn, stopLsn } = o.backup
  await bindTo(archive, o.description)
  const start = segmentStart(parseLsn(startLsn), archive.segmentBytes)
  const end = archive.find(timeline)?.end
  const from = end !== undefined && end > start ? end : start
  const to = parseLsn(stopLsn)
  const silent = { onGap: () => undefined, onDurable: () => undefined, onEnd: () => undefined }
  if (from < to)
    await receiveWal(supply, archive, { timeline, from, to, signal: o.signal, ...silent })
  return await vault.receive({
    id,
    isEncryptedThere: o.description.isEncrypted,
    manifest: supply.manifest(id, o.signal),
    pack: (pack, at) => supply.pack(pack, at, o.signal),
    onProgress: o.onProgress,
    beforeListing: async (backup) => {
      if (!isBackupCovered(archive, backup)) throw notCovered(id)
    },
  })
}

function notCovered(id: string): LifeboatError {
  return new LifeboatError('WalGap', `the write-ahead log of backup '${id}' was not whole`)
}
