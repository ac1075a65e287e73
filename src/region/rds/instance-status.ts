/** The DB instance statuses that this region can be in. Source: RDS User Guide, "Viewing DB instance status". */
export type InstanceStatus =
  | 'creating'
  | 'backing-up'
  | 'available'
  | 'modifying'
  | 'rebooting'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  | 'failed'
  | 'incompatible-parameters'
  | 'incompatible-restore'
  | 'inaccessible-encryption-credentials-recoverable'
  | 'inaccessible-encryption-credentials'

/** What a caller, or the clock, can ask of an instance. */
export type InstanceRequest =
  | 'back up'
  | 'modify'
  | 'reboot'
  | 'stop'
  | 'start'
  | 'delete'
  | 'promote'

/**
 * How the work ended that a status names: `ready`; `crash`, a server that ended by itself; `bad settings`, one
 * that does not start with its parameters; `fail`, one that does not start at all or could not be made;
 * `no restore`, backups that could not be restored; `no key`, a KMS key that cannot be used, and `key gone` when that has been
 * so for seven days.
 */
export type InstanceOutcome =
  | 'ready'
  | 'crash'
  | 'bad settings'
  | 'fail'
  | 'no restore'
  | 'no key'
  | 'key gone'

type Next = InstanceStatus | null
type Requests = readonly [
  backUp: Next,
  modify: Next,
  reboot: Next,
  stop: Next,
  start: Next,
  deletion: Next,
  promote: Next,
]
type Outcomes = readonly [
  ready: Next,
  crash: Next,
  badSettings: Next,
  fail: Next,
  noRestore: Next,
  noKey: Next,
  keyGone: Next,
]

const REQUESTS: readonly InstanceRequest[] = [
  'back up',
  'modify',
  'reboot',
  'stop',
  'start',
  'delete',
  'promote',
]
const OUTCOMES: readonly InstanceOutcome[] = [
  'ready',
  'crash',
  'bad settings',
  'fail',
  'no restore',
  'no key',
  'key gone',
]

const no = null
const badSettings = 'incompatible-parameters'
const noRestore = 'incompatible-restore'
const noKey = 'inaccessible-encryption-credentials-recoverable'
const keyGone = 'inaccessible-encryption-credentials'

/**
 * Every status against every request, in the order of `Requests`; `no` refuses with
 * InvalidDBInstanceStateFault. The types leave no gaps: a new status does not compile until each of its cells
 * is decided.
 */
const AFTER_REQUEST: Record<InstanceStatus, Requests> = {
  creating: [no, no, no, no, no, 'deleting', no],
  'backing-up': [no, no, no, no, no, 'deleting', no],
  available: ['backing-up', 'modifying', 'rebooting', 'stopping', no, 'deleting', 'modifying'],
  modifying: [no, no, no, no, no, 'deleting', no],
  rebooting: [no, no, no, no, no, no, no],
  stopping: [no, no, no, no, no, no, no],
  stopped: [no, no, no, no, 'starting', 'deleting', no],
  starting: [no, no, no, no, no, no, no],
  deleting: [no, no, no, no, no, no, no],
  failed: [no, no, no, no, 'starting', 'deleting', no],
  'incompatible-parameters': [no, no, 'rebooting', no, no, 'deleting', no],
  'incompatible-restore': [no, no, no, no, no, 'deleting', no],
  'inaccessible-encryption-credentials-recoverable': [no, no, no, no, 'starting', 'deleting', no],
  'inaccessible-encryption-credentials': [no, no, no, no, no, 'deleting', no],
}

/** Every status against every outcome, in the order of `Outcomes`; `no` cannot come about. */
const AFTER_OUTCOME: Record<InstanceStatus, Outcomes> = {
  creating: ['backing-up', no, badSettings, 'failed', noRestore, no, no],
  'backing-up': ['available', 'starting', badSettings, 'failed', no, noKey, no],
  available: [no, 'starting', badSettings, 'failed', no, noKey, no],
  modifying: ['available', no, badSettings, 'failed', no, no, no],
  rebooting: ['available', no, badSettings, 'failed', no, no, no],
  stopping: ['stopped', no, no, 'failed', no, no, no],
  stopped: [no, no, no, no, no, no, no],
  starting: ['available', no, badSettings, 'failed', no, noKey, no],
  deleting: [no, no, no, 'failed', no, no, no],
  failed: [no, no, no, no, no, no, no],
  'incompatible-parameters': [no, no, no, 'failed', no, no, no],
  'incompatible-restore': [no, no, no, no, no, no, no],
  'inaccessible-encryption-credentials-recoverable': [no, no, no, no, no, no, keyGone],
  'inaccessible-encryption-credentials': [no, no, no, no, no, no, no],
}

/** The status that a request leads to, or null where it is refused. */
export function statusAfterRequest(from: InstanceStatus, request: InstanceRequest): Next {
  return AFTER_REQUEST[from][REQUESTS.indexOf(request)] ?? no
}

/** The status that an outcome leads to, or null where it cannot come about. */
export function statusAfterOutcome(from: InstanceStatus, outcome: InstanceOutcome): Next {
  return AFTER_OUTCOME[from][OUTCOMES.indexOf(outcome)] ?? no
}
