import type { InstanceAttributes } from '../aws/instance.ts'

/**
 * must    consumers are not moved while it differs
 * should  shown; a person decides
 */
type Weight = 'must' | 'should'

/** How an attribute comes back after a restore: by a modification, or only by the restore itself. */
interface Rule {
  readonly weight: Weight
  readonly isModifiable: boolean
}

const must = { weight: 'must', isModifiable: true } as const
const should = { weight: 'should', isModifiable: true } as const
const mustAtRestore = { weight: 'must', isModifiable: false } as const
const shouldAtRestore = { weight: 'should', isModifiable: false } as const

/**
 * Every attribute that is recorded, and what it is to a restore. `Record` leaves no gaps: a new attribute does
 * not compile until it is decided. The port and the storage size may differ without harm.
 */
// prettier-ignore
const RULES: Record<keyof InstanceAttributes, Rule> = {
  engineVersion: should,
  instanceClass: must,
  parameterGroup: must,
  optionGroup: must,
  securityGroups: must,
  subnetGroup: mustAtRestore,
  port: shouldAtRestore,
  backupRetentionDays: must,
  backupWindow: must,
  maintenanceWindow: must,
  deletionProtection: must,
  copyTagsToSnapshot: must,
  storageType: should,
  allocatedStorageGiB: shouldAtRestore,
  maxAllocatedStorageGiB: should,
  iops: should,
  storageThroughput: should,
  storageEncrypted: mustAtRestore,
  kmsKey: mustAtRestore,
  multiAz: must,
  publiclyAccessible: must,
  iamAuthentication: must,
  autoMinorVersionUpgrade: should,
  monitoringIntervalSeconds: should,
  monitoringRole: should,
  performanceInsights: should,
  databaseInsightsMode: shouldAtRestore,
  logExports: should,
  certificateAuthority: should,
  networkType: shouldAtRestore,
  managedMasterSecret: shouldAtRestore,
  roles: shouldAtRestore,
}

export type Difference = {
  /** An attribute, or `tag NAME`. */
  readonly what: string
  readonly weight: Weight
  readonly source: string
  readonly restored: string
}

interface Compared {
  readonly attributes: InstanceAttributes
  readonly tags: Readonly<Record<string, string>>
}

/** What differs between the source, as it was recorded, and the restored instance. */
export function fidelityDiff(source: Compared, restored: Compared): Difference[] {
  const differences: Difference[] = []
  for (const [name, { weight }] of rules()) {
    const [was, is] = [source.attributes[name], restored.attributes[name]]
    if (was === undefined || JSON.stringify(was) === JSON.stringify(is)) continue
    if (isEmpty(was) && isEmpty(is)) continue
    differences.push({ what: name, weight, source: show(was), restored: show(is) })
  }
  for (const [tag, value] of Object.entries(source.tags)) {
    // AWS owns these, and sets them itself.
    if (tag.startsWith('aws:') || restored.tags[tag] === value) continue
    const is = show(restored.tags[tag])
    differences.push({ what: `tag ${tag}`, weight: 'must', source: value, restored: is })
  }
  return differences
}

/** The attributes that differ and that a modification can bring back, as the source has them. */
export function repairs(source: Compared, restored: Compared): InstanceAttributes {
  const differing = new Set(fidelityDiff(source, restored).map(({ what }) => what))
  const wanted = rules()
    .filter(([name, { isModifiable }]) => isModifiable && differing.has(name))
    .map(([name]) => [name, source.attributes[name]])
  const { engineVersion: _, ...attributes } = Object.fromEntries(wanted) as InstanceAttributes
  return attributes
}

const rules = () => Object.entries(RULES) as [keyof InstanceAttributes, Rule][]

/** AWS leaves out what is off. */
const isEmpty = (value: unknown) =>
  value === undefined ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0)

const show = (value: unknown) =>
  value === undefined ? 'none' : Array.isArray(value) ? value.join(', ') : String(value)
