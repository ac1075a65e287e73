import type { ServerAccount } from '../server-account.ts'
import type { FramePlace } from './pack-reader.ts'

/** Blocks of one file that a worker shall store. */
export interface StoreItem {
  /** Index of the file in the session. */
  readonly file: number
  readonly path: string
  /** `pages`: relation blocks, checksums verified. `bytes`: anything else. */
  readonly content: 'pages' | 'bytes'
  /** Blocks of the relation that lie in the files before this one: checksums know a block by its place in the relation. */
  readonly blocksBefore: number
  readonly firstBlock: number
  readonly blockCount: number
  /** The blocks themselves, when they come from elsewhere than a file. */
  readonly bytes?: Uint8Array
  /**
   * Where the backup starts, when pages cannot be read again: one that was changed later may be half written, and replay
   * brings it whole.
   */
  readonly startLsn?: bigint
  /** Only these blocks, in ascending order. */
  readonly blocks?: readonly number[]
  /**
   * Only blocks that were changed at or after the position `lsn`, as their own headers say, and all from block
   * `orFromBlock` on.
   */
  readonly changedSince?: { readonly lsn: bigint; readonly orFromBlock: number }
}

export interface StoreSession {
  readonly kind: 'store'
  readonly packPath: string
  readonly packName: string
  readonly dataDirectory: string
  readonly key: Buffer | undefined
  /** Whether the cluster has data checksums on; without them there is nothing to check a page by. */
  readonly hasPageChecksums: boolean
}

/** One frame that was written: its place and lengths, and its runs as file, block, count, byte in the frame. */
export interface StoredFrame {
  readonly offset: number
  readonly length: number
  readonly rawLength: number
  readonly runs: readonly (readonly [file: number, block: number, count: number, at: number])[]
}

export interface StoreResult {
  readonly frames: readonly StoredFrame[]
  /** For each item: how many bytes of the file there were, or -1 when the file is gone. */
  readonly lengths: readonly (readonly [file: number, length: number])[]
  readonly warnings: readonly string[]
  readonly readBytes: number
}

export interface RestoreSession {
  readonly kind: 'restore'
  readonly into: string
  readonly paths: readonly string[]
  readonly packFolder: string
  readonly key: Buffer | undefined
  readonly account: ServerAccount | undefined
}

/** One frame to read, and where its live parts go: file, byte offset there, length, byte in the frame. */
export interface RestoreItem extends FramePlace {
  readonly parts: readonly (readonly [file: number, position: number, length: number, at: number])[]
}

export interface RestoreResult {
  readonly writtenBytes: number
}

export interface CheckSession {
  readonly kind: 'check'
  readonly packFolder: string
  readonly key: Buffer | undefined
}

/** A frame that backups need, or a row of frames that none needs any longer. */
export interface CheckItem extends FramePlace {
  readonly isNeeded: boolean
}

export interface CheckResult {
  readonly faults: readonly VaultFault[]
}

export interface RepackSession {
  readonly kind: 'repack'
  readonly packPath: string
  readonly packName: string
  readonly packFolder: string
  readonly key: Buffer | undefined
}

/** A frame of which some pieces are still needed: where each begins, in ascending order, and how long it is. */
export interface RepackItem extends FramePlace {
  readonly rawLength: number
  readonly pieces: readonly (readonly [at: number, length: number])[]
}

export interface RepackResult {
  readonly frames: readonly Omit<StoredFrame, 'runs'>[]
  /** Where each piece of each item went: index into `frames`, byte there. In the order of the items' pieces. */
  readonly moved: readonly (readonly [frame: number, at: number])[]
}

export interface VaultFault {
  readonly file: string
  readonly offset: number
  readonly reason: string
}

export type Session = StoreSession | RestoreSession | CheckSession | RepackSession

export type WorkerRequest =
  | { readonly type: 'begin'; readonly session: Session }
  | {
      readonly type: 'do'
      readonly items:
        | readonly StoreItem[]
        | readonly RestoreItem[]
        | readonly CheckItem[]
        | readonly RepackItem[]
    }
  | { readonly type: 'end' }

export type WorkerReply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly code: string | undefined
      readonly message: string
      readonly hint?: string | undefined
    }
