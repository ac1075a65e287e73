import { parseDuration } from '../../core/duration.ts'
import type { Signal } from '../detection/decision.ts'
import type { HiddenPlace } from '../notifications/target.ts'
import type { WitnessSource } from './schema.ts'

/** A monitor of somebody else, which says by itself what it sees. JSON. */
export type Witness = {
  readonly name: string
  readonly key: HiddenPlace
  readonly holdsSeconds: number
}

/** What a witness says. */
export interface WitnessReport {
  readonly state: 'healthy' | 'failing'
  readonly reason?: string | undefined
}

/** What a witness has said last. */
export interface Testimony extends WitnessReport {
  /** When it first said so without saying anything else since, and when it last did; ISO 8601. */
  readonly since: string
  readonly saidAt: string
}

export function witnessOf({ name, key, holds }: WitnessSource): Witness {
  return { name, key, holdsSeconds: parseDuration(holds) }
}

/** What it said counts for as long as it holds; silence says nothing. */
export function signalOfWitness(
  { name, holdsSeconds }: Witness,
  said: Testimony | undefined,
  now: Date,
): Signal {
  const about = { name: `${name} sees the workload`, kind: 'external', source: name } as const
  const since = said?.since ?? now.toISOString()
  if (!said) return { ...about, since, state: 'unknown', reason: 'it has said nothing yet' }
  const seconds = (now.getTime() - Date.parse(said.saidAt)) / 1000
  if (seconds > holdsSeconds) {
    const reason = `it has said nothing for ${Math.floor(seconds)} s`
    return { ...about, since: said.saidAt, state: 'unknown', reason }
  }
  if (said.state === 'healthy') return { ...about, since, state: 'healthy' }
  return { ...about, since, state: 'failing', reason: said.reason ?? 'it says so' }
}
