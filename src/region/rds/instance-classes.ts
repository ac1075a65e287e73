import { invalidValue } from './faults.ts'

/** Sizes of a class family, by the letter that its name begins with: burstable ones, and all others. */
const BURSTABLE = ['micro', 'small', 'medium', 'large', 'xlarge', '2xlarge']
const SIZES = [
  'large',
  'xlarge',
  '2xlarge',
  '4xlarge',
  '8xlarge',
  '12xlarge',
  '16xlarge',
  '24xlarge',
]
const FAMILIES =
  't3 t4g m5 m5d m6g m6gd m6i m6id m7g m7i m8g r5 r5b r5d r6g r6gd r6i r6id r7g r7i r8g'.split(' ')

/**
 * Every class that an instance may be said to have, as `db.t3.micro`.
 *
 * Unlike AWS: a class is a label. Every instance shares this machine's processors and memory.
 * Source: RDS User Guide, "Supported DB engines for DB instance classes".
 */
export const INSTANCE_CLASSES: readonly string[] = FAMILIES.flatMap((family) =>
  (family.startsWith('t') ? BURSTABLE : SIZES).map((size) => `db.${family}.${size}`),
)

/** @throws RdsFault `InvalidParameterValue` */
export function checkedInstanceClass(instanceClass: string): string {
  if (INSTANCE_CLASSES.includes(instanceClass)) return instanceClass
  throw invalidValue(`Invalid DB Instance class: ${instanceClass}`)
}
