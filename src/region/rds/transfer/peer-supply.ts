import { formatLsn } from '../../../core/lsn.ts'
import type {
  BackupSupply,
  SupplyDescription,
  WalStretch,
} from '../../../postgres/transfer/backup-supply.ts'
import type { Peer } from '../../peer/peer.ts'
import type { SupplyName } from './supply-operations.ts'

/** Backups and WAL that are in another region, or in this one. */
export class PeerSupply implements BackupSupply {
  constructor(
    private readonly peer: Peer,
    private readonly region: string,
    private readonly name: SupplyName,
  ) {}

  async describe(signal: AbortSignal): Promise<SupplyDescription | undefined> {
    const { output } = await this.peer.ask<{ description?: SupplyDescription }>({
      region: this.region,
      operation: 'DescribeSupply',
      input: { supply: this.name },
      signal,
    })
    return output.description
  }

  manifest(backup: string, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#read('SendManifest', { backup }, signal)
  }

  pack(pack: string, from: number, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#read('SendPack', { pack, from }, signal)
  }

  wal({ timeline, from, to }: WalStretch, signal: AbortSignal): AsyncIterable<Buffer> {
    const end = to === undefined ? {} : { to: formatLsn(to) }
    return this.#read('SendWal', { timeline, from: formatLsn(from), ...end }, signal)
  }

  async *#read(operation: string, input: object, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { region, name } = this
    const question = { region, operation, input: { supply: name, ...input }, signal }
    const { body } = await this.peer.ask(question)
    yield* body
  }
}
