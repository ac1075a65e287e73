import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn } from '../../core/lsn.ts'
import type { BaseBackup } from '../vault/manifest.ts'
import type { Vault } from '../vault/vault.ts'
import type { TimelineArchive } from '../wal/timeline-archive.ts'
import type { WalArchive } from '../wal/wal-archive.ts'
import type {
  BackupSupply,
  SuppliedBackup,
  SupplyDescription,
  WalStretch,
} from './backup-supply.ts'
import { encodeEnd, encodeNext, encodeWal } from './wal-record.ts'

/** The backups and the WAL of a folder on this machine. */
export class LocalSupply implements BackupSupply {
  constructor(
    private readonly o: {
      vault: Vault
      archive: WalArchive
      backups: () => readonly BaseBackup[]
      isEncrypted: boolean
      /** Resolves when more WAL is durable, and after a while also when none is. */
      moreWal: (signal: AbortSignal) => Promise<void>
    },
  ) {}

  async describe(): Promise<SupplyDescription | undefined> {
    const { archive, backups, isEncrypted } = this.o
    const { identity } = archive
    if (!identity) return undefined
    const numbers = archive.timelines()
    const timelines = await Promise.all(
      numbers.map(async (timeline) => {
        const history = await archive.historyFile(timeline)
        return { timeline, ...(history === undefined ? {} : { history }) }
      }),
    )
    return {
      ...identity,
      isEncrypted,
      backups: backups().map(suppliedBackup),
      timelines,
    }
  }

  manifest(backup: string): AsyncIterable<Buffer> {
    return this.o.vault.sendManifest(backup)
  }

  pack(pack: string, from: number): AsyncIterable<Buffer> {
    return this.o.vault.sendPack(pack, from)
  }

  async *wal(o: WalStretch, signal: AbortSignal): AsyncGenerator<Buffer> {
    const archive = this.o.archive.find(o.timeline)
    if (!archive) throw noWal(o.timeline, o.from)
    let at = o.from
    while (o.to === undefined || at < o.to) {
      signal.throwIfAborted()
      const bytes = await archive.readFrom(at)
      if (bytes.length > 0) {
        const wanted = o.to === undefined ? bytes : bytes.subarray(0, Number(o.to - at))
        yield* encodeWal(at, wanted)
        at = (at + BigInt(wanted.length)) as Lsn
        continue
      }
      const behind = startBehind(archive, at)
      if (behind !== undefined) {
        at = behind
        continue
      }
      if (o.to !== undefined || at > (archive.end ?? 0n)) throw noWal(o.timeline, at)
      const next = this.o.archive.timelines().find((number) => number > o.timeline)
      if (next !== undefined) {
        yield encodeNext(next)
        return
      }
      yield encodeEnd(at)
      // Some may have come while that was being taken.
      if ((archive.end ?? 0n) <= at) await this.o.moreWal(signal)
    }
  }
}

/** What of a base backup others need to know. */
function suppliedBackup(backup: BaseBackup): SuppliedBackup {
  const { id, timeline, startLsn, stopLsn, completedAt } = backup
  return {
    id,
    timeline,
    startLsn: formatLsn(startLsn),
    stopLsn: formatLsn(stopLsn),
    completedAt: completedAt.toISOString(),
  }
}

/** Where WAL goes on behind a position at which there is none. */
function startBehind(archive: TimelineArchive, at: Lsn): Lsn | undefined {
  return archive.ranges().find(({ from }) => from > at)?.from
}

function noWal(timeline: number, at: Lsn): LifeboatError {
  return new LifeboatError(
    'WalGap',
    `the write-ahead log of timeline ${timeline} from ${formatLsn(at)} on is not here`,
  )
}
