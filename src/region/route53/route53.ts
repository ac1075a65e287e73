import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { type ChangeInfo, Route53Fault } from '../protocol/models/route-53.ts'
import type { DataPlaneState } from './data-plane-state.ts'
import type { DirectoryEdit, Route53Directory } from './directory.ts'
import { displayName } from './names.ts'
import type { ChangeRecord, ChangeSubject, CheckRecord, ZoneRecord } from './records.ts'

export interface Route53Options {
  readonly directory: Route53Directory
  readonly dataPlane: DataPlaneState
  readonly clock: Clock
  readonly random: Random
}

/** Amazon Route 53: what its actions share. */
export class Route53 {
  readonly directory: Route53Directory
  readonly dataPlane: DataPlaneState

  constructor(private readonly o: Route53Options) {
    this.directory = o.directory
    this.dataPlane = o.dataPlane
  }

  get random(): Random {
    return this.o.random
  }

  nowMs(): number {
    return this.o.clock.now().getTime()
  }

  /** @throws Route53Fault `NoSuchHostedZone` */
  getZone(id: string | undefined): ZoneRecord {
    const bare = (id ?? '').replace(/^\/?hostedzone\//, '')
    const zone = this.directory.zone(bare)
    if (zone) return zone
    throw new Route53Fault('NoSuchHostedZone', `No hosted zone found with ID: ${bare}`)
  }

  /** @throws Route53Fault `NoSuchHealthCheck` */
  getCheck(id: string | undefined): CheckRecord {
    const check = this.directory.check(id ?? '')
    if (check) return check
    throw noSuchHealthCheck(id)
  }

  /** Tells the name server of a change, in the transaction of the edit. */
  publish(edit: DirectoryEdit, subject: ChangeSubject, comment?: string): ChangeRecord {
    return edit.publish(subject, { random: this.o.random, nowMs: this.nowMs(), comment })
  }

  /** A change is in sync when questions are answered by it. */
  changeInfo({ id, sequence, submittedAtMs, comment }: ChangeRecord): ChangeInfo {
    return {
      Id: `/change/${id}`,
      Status: sequence <= this.dataPlane.applied ? 'INSYNC' : 'PENDING',
      SubmittedAt: new Date(submittedAtMs),
      ...(comment === undefined ? {} : { Comment: comment }),
    }
  }

  hostedZone({ id, name, callerReference, comment, setCount }: ZoneRecord) {
    return {
      Id: `/hostedzone/${id}`,
      Name: displayName(name),
      CallerReference: callerReference,
      Config: { ...(comment === undefined ? {} : { Comment: comment }), PrivateZone: false },
      ResourceRecordSetCount: setCount,
    }
  }
}

export function noSuchHealthCheck(id: string | undefined) {
  return new Route53Fault('NoSuchHealthCheck', `A health check with id ${id} does not exist.`)
}

export function invalidInput(message: string) {
  return new Route53Fault('InvalidInput', message)
}

/** Refuses what AWS has and an embedded home has not. */
export function unavailable(what: string) {
  return new Route53Fault('UnsupportedOperation', `${what} not available in an embedded home.`)
}
