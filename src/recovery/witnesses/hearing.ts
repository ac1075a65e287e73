import { LifeboatError } from '../../core/errors.ts'
import { revealOf } from '../notifications/reveal.ts'
import type { NotificationSurroundings } from '../notifications/telling.ts'
import { keyRegionOf, type Workload } from '../workload.ts'
import { Testimonies } from './testimonies.ts'
import type { WitnessReport } from './witness.ts'

/** What a server needs to hear the witnesses of a workload. */
export interface Hearing {
  /** The key of each, by its name. */
  readonly keys: ReadonlyMap<string, string>
  /** Keeps what one of them says. */
  readonly onReport: (name: string, said: WitnessReport) => Promise<void>
}

/** @throws LifeboatError `InvalidUsage` when the workload has none, and what finding their keys throws */
export async function hearingOf(
  workload: Workload,
  { database, clock, ...around }: NotificationSurroundings,
): Promise<Hearing> {
  const { name, witnesses = [] } = workload
  if (witnesses.length === 0) {
    throw new LifeboatError('InvalidUsage', `'${name}' has no witnesses to hear`, {
      hint: 'Add witnesses: [{ name: NAME, key: env:NAME }] to the workload file.',
    })
  }
  const reveal = revealOf(keyRegionOf(workload), around)
  const found = witnesses.map(async (one) => [one.name, await reveal(one.key)] as const)
  const keys = new Map(await Promise.all(found))
  const testimonies = await Testimonies.open(database)
  const onReport: Hearing['onReport'] = (witness, said) =>
    testimonies.record(name, witness, said, clock.now())
  return { keys, onReport }
}
