import type { ConnectionTarget } from '../src/postgres/wire/connection-target.ts'
import type { Restored } from './contender.ts'
import { run } from './data-sets.ts'
import { measured, type ProcessRow } from './machine.ts'

/** Times a restore from its beginning to the first committed write, and on until a power cut would lose nothing of it. */
export async function measureRestore(
  isOurs: (row: ProcessRow, all: readonly ProcessRow[]) => boolean,
  restore: () => Promise<ConnectionTarget>,
  untilDurable: (target: ConnectionTarget) => Promise<void>,
): Promise<Restored> {
  const open = await measured(isOurs, async () => {
    const target = await restore()
    await run(target, 'create table bench_write as select 1 as one')
    return target
  })
  const durable = await measured(isOurs, () => untilDurable(open.result))
  return {
    target: open.result,
    openSeconds: open.seconds,
    durableSeconds: open.seconds + durable.seconds,
    usage: open.usage,
  }
}
