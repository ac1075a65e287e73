import { type Lsn, parseLsn } from '../../../core/lsn.ts'
import type { Protection } from '../../../postgres/protection.ts'
import type { BackupSupply } from '../../../postgres/transfer/backup-supply.ts'
import type { PeerOperation, PeerReply } from '../../peer/peer.ts'
import { instanceNotFound, snapshotNotFound } from '../faults.ts'
import type { Rds } from '../rds.ts'
import { openSnapshot } from '../snapshot-store.ts'

/** Which backups are asked for: those of a snapshot, or the automated ones of an instance, live or retained. */
export type SupplyName =
  | { readonly kind: 'snapshot'; readonly identifier: string }
  | { readonly kind: 'automated'; readonly resourceId: string }

/** What the same service in another region may have of the backups of this one, and when. */
export function supplyOperations(rds: Rds): Record<string, PeerOperation> {
  const stream = (
    name: SupplyName,
    read: (supply: BackupSupply, signal: AbortSignal) => AsyncIterable<Buffer>,
  ): PeerReply => ({ output: {}, body: readFrom(rds, name, read) })
  return {
    DescribeSupply: async ({ supply: name }: { supply: SupplyName }) => {
      const { protection, close } = await open(rds, name)
      try {
        const description = await protection.supply().describe(new AbortController().signal)
        return { output: { description } }
      } finally {
        await close()
      }
    },
    SendManifest: async ({ supply: name, backup }: { supply: SupplyName; backup: string }) =>
      stream(name, (supply, signal) => supply.manifest(backup, signal)),
    SendPack: async (o: { supply: SupplyName; pack: string; from: number }) =>
      stream(o.supply, (supply, signal) => supply.pack(o.pack, o.from, signal)),
    SendWal: async (o: { supply: SupplyName; timeline: number; from: string; to?: string }) =>
      stream(o.supply, (supply, signal) => {
        const to: Lsn | undefined = o.to === undefined ? undefined : parseLsn(o.to)
        return supply.wal({ timeline: o.timeline, from: parseLsn(o.from), to }, signal)
      }),
  }
}

/** Opens the backups for as long as somebody reads. */
async function* readFrom(
  rds: Rds,
  name: SupplyName,
  read: (supply: BackupSupply, signal: AbortSignal) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const ending = new AbortController()
  const { protection, close } = await open(rds, name)
  try {
    yield* read(protection.supply(), ending.signal)
  } finally {
    ending.abort(new Error('nobody reads any more'))
    await close()
  }
}

/** @throws RdsFault `DBSnapshotNotFoundFault`, `DBInstanceNotFoundFault`; LifeboatError `KeyNotUsable` */
async function open(
  rds: Rds,
  name: SupplyName,
): Promise<{ protection: Protection; close: () => Promise<void> }> {
  const stays = async () => undefined
  if (name.kind === 'automated') {
    const facts = rds.findFacts(name.resourceId)
    if (!facts) throw instanceNotFound(name.resourceId)
    return { protection: await rds.backups.open(facts), close: stays }
  }
  const snapshot = rds.snapshots.find(name.identifier)
  if (!snapshot?.backup) throw snapshotNotFound(name.identifier)
  if (snapshot.type === 'automated') {
    return { protection: await rds.backups.open(snapshot.instance), close: stays }
  }
  const protection = await openSnapshot(rds, snapshot)
  return { protection, close: () => protection.close() }
}
