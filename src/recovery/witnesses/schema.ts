import { z } from 'zod'
import { duration, hidden } from '../workload-values.ts'

/** A monitor of somebody else, as people write it. */
export const witness = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,50}$/, 'it is part of an address: letters, digits and hyphens')
    .meta({ description: 'What it is called, in signals and at the end of its address' }),
  key: hidden('The key by which it is known'),
  holds: duration('How long what it said holds').default('5m'),
})

export type WitnessSource = z.infer<typeof witness>
