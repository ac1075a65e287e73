import type { ServerAccount } from '../server-account.ts'

/** Blocks of one file that a worker shall store. */
export interface StoreItem {
  /** Index of the file in the session. */
  readonly file: number
  readonly path: string
  /** `pages`: relation blocks, checksums verified. `bytes`: anything else. */
  readonly content: 'pages' | 'bytes'
  readonly firstBlock: number
  readonly blockCount: number
  /** Only these blocks, in ascending order. */
  readonly blocks?: readonly number[]
  /** Only blocks that were changed at or after this position, as their own headers say. */
  readonly changedSince?: bigint
}

export interface StoreSession {
  readonly kind: 'store'
  readonly packPath: string
  readonly packName: string
  readonly dataDirectory: string
  readonly key: Buffer | undefined
  /** Where the backup starts: a page that changed since is torn at worst, and replay restores it. */
  readonly startLsn: bigint
}

/** One frame that was written: its place, and its runs as file, block, count, byte in the frame. */
export interface StoredFrame {
  readonly offset: number
  readonly length: number
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
  /** Only check; write nothing. */
  readonly isDryRun: boolean
}

/** One frame to read, and where its live parts go: file, byte offset there, length, byte in the frame. */
export interface RestoreItem {
  readonly pack: string
  readonly offset: number
  readonly length: number
  readonly parts: readonly (readonly [file: number, position: number, length: number, at: number])[]
}

export interface RestoreResult {
  readonly writtenBytes: number
  /** In a dry run: what is wrong. Otherwise the first fault is thrown. */
  readonly faults: readonly VaultFault[]
}

export interface VaultFault {
  readonly file: string
  readonly offset: number
  readonly reason: string
}

export type WorkerRequest =
  | { readonly type: 'begin'; readonly session: StoreSession | RestoreSession }
  | { readonly type: 'store'; readonly items: readonly StoreItem[] }
  | { readonly type: 'restore'; readonly items: readonly RestoreItem[] }
  | { readonly type: 'end' }

export type WorkerReply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly code: string | undefined
      readonly message: string
      readonly hint?: string | undefined
    }
