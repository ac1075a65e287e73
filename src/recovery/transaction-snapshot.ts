/**
 * Which transactions a `pg_current_snapshot()` saw as committed: `xmin:xmax:xip,xip`, 64-bit numbers.
 *
 * Source: PostgreSQL manual, "Transaction ID and Snapshot Information Functions".
 */
export interface TransactionSnapshot {
  /** Every transaction below it had ended. */
  readonly xmin: bigint
  /** No transaction at or above it had ended. */
  readonly xmax: bigint
  readonly running: ReadonlySet<bigint>
}

export function parseSnapshot(text: string): TransactionSnapshot {
  const [xmin = '0', xmax = '0', running = ''] = text.split(':')
  return {
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    running: new Set(running.split(',').filter(Boolean).map(BigInt)),
  }
}

/** Whether what the transaction wrote was there when the snapshot was taken, if it committed at all. */
export function wasVisible(snapshot: TransactionSnapshot, transaction: bigint): boolean {
  if (transaction < snapshot.xmin) return true
  return transaction < snapshot.xmax && !snapshot.running.has(transaction)
}

/**
 * The 64-bit number of a transaction whose 32-bit number a row carries (`xmin`), as the latest one of
 * that number that is not after `current`.
 */
export function fullTransactionId(short: bigint, current: bigint): bigint {
  const candidate = (current & ~0xffff_ffffn) | short
  return candidate > current ? candidate - 0x1_0000_0000n : candidate
}
