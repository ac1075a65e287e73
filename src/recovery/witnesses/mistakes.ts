import type { Document } from 'yaml'
import { type Mistake, offsetOf } from '../workload-place.ts'
import type { WorkloadSource } from '../workload-schema.ts'

/** What of witnesses is well-formed and makes no sense together. */
export function witnessMistakes(document: Document, { witnesses = [] }: WorkloadSource): Mistake[] {
  return witnesses.flatMap(({ name }, index) => {
    if (witnesses.findIndex((other) => other.name === name) === index) return []
    const offset = offsetOf(document, ['witnesses', index, 'name'])
    const hint = 'Two of one name would be one witness.'
    return [{ offset, message: `two witnesses are named '${name}'`, hint }]
  })
}
