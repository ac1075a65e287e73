import type { HealthMonitor } from '../../dns/health/monitor.ts'
import { Zone } from '../../dns/zone.ts'
import type { Zones } from '../../dns/zones.ts'
import type { DataPlaneState } from './data-plane-state.ts'
import type { Route53Directory } from './directory.ts'
import { servedSet, watchedCheck } from './engine-shapes.ts'
import type { ChangeSubject } from './records.ts'

/**
 * Brings a name server in line with the directory: all of it at first, then change by change.
 *
 * Each step is done without a pause, so that no question is answered by half a change.
 */
export class Following {
  #applied = 0

  constructor(
    private readonly o: {
      directory: Route53Directory
      zones: Zones
      monitor: HealthMonitor
      state: DataPlaneState
    },
  ) {}

  /** The number of the last change by which questions are answered. */
  get applied(): number {
    return this.#applied
  }

  /** What has changed since then, or all when that is not known any more. */
  catchUp(): void {
    const { directory } = this.o
    const { sequence } = directory
    if (sequence === this.#applied) return
    const changes = this.#applied === 0 ? undefined : directory.changesAfter(this.#applied)
    if (changes) for (const { subject } of changes) this.#apply(subject)
    else this.#load()
    this.#applied = sequence
  }

  #load(): void {
    const { directory, zones, monitor, state } = this.o
    const zoneIds = new Set(directory.zones().map(({ id }) => id))
    for (const id of zones.ids()) if (!zoneIds.has(id)) zones.delete(id)
    const created = directory.zones().sort((a, b) => a.createdAtMs - b.createdAtMs)
    for (const { id } of created) this.#loadZone(id)
    const checkIds = new Set(directory.checks().map(({ id }) => id))
    // Also of checks that were deleted while nobody followed.
    const known = new Set([...monitor.ids(), ...state.all().map(({ id }) => id)])
    for (const id of known) if (!checkIds.has(id)) monitor.forget(id)
    for (const check of directory.checks()) monitor.watch(watchedCheck(check))
  }

  #apply(subject: ChangeSubject): void {
    const { directory, zones, monitor } = this.o
    if ('checkId' in subject) {
      const check = directory.check(subject.checkId)
      if (check) monitor.watch(watchedCheck(check))
      else monitor.forget(subject.checkId)
      return
    }
    const zone = zones.get(subject.zoneId)
    if ('isWhole' in subject || !zone) this.#loadZone(subject.zoneId)
    else {
      for (const name of subject.names) {
        zone.replace(name, directory.setsAt(subject.zoneId, name).map(servedSet))
      }
    }
  }

  #loadZone(id: string): void {
    const { directory, zones } = this.o
    const record = directory.zone(id)
    if (record) zones.put(id, Zone.of(record.name, directory.sets(id).map(servedSet)))
    else zones.delete(id)
  }
}
