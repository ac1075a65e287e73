import type { PostgresBinaries } from '../src/postgres/binaries.ts'
import type { ConnectionTarget } from '../src/postgres/wire/connection-target.ts'
import type { Usage } from './machine.ts'

/** The running cluster that is backed up. */
export interface Source {
  readonly dataDirectory: string
  readonly binaries: PostgresBinaries
  readonly target: ConnectionTarget
  /** Replaces its settings and makes it read them. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>
}

/** A restored server, and how long it took. */
export interface Restored {
  readonly target: ConnectionTarget
  /** Until a write was committed on it. */
  readonly openSeconds: number
  /** Until a power cut would lose nothing of it. */
  readonly durableSeconds: number
  readonly usage: Usage
}

export interface Timed {
  readonly seconds: number
  readonly usage: Usage
}

export type RestoreTo = 'newest backup' | { readonly time: Date }

/** A program that backs up and restores one cluster. */
export interface Contender {
  readonly name: string
  /** Forgets every backup and begins anew, streaming or archiving the cluster's WAL from here on. */
  begin(): Promise<void>
  backUp(kind: 'full' | 'incremental'): Promise<Timed>
  /** All base backups on disk, in bytes, without the archive of WAL. */
  storedBytes(): Promise<number>
  /** Waits until the archive reaches this moment, of which the cluster has written WAL. */
  untilArchived(time: Date): Promise<void>
  restore(to: RestoreTo): Promise<Restored>
  /** Ends the server that was restored last, and removes its data. */
  discard(): Promise<void>
  close(): Promise<void>
}
