/**
 * Every way Lifeboat can refuse or fail. A code is public API: it is never renamed, and its row says
 * how each door answers.
 *
 * exit       the process's exit code; `explain` says what an operator reads after `lifeboat explain CODE`
 * http       the status with which Lifeboat's own server answers
 * retryable  whether the same call may succeed later without anybody changing anything
 */
// prettier-ignore
export const ERRORS = {
  // What was asked for cannot be meant.
  InvalidUsage: {
    exit: 2,
    http: 400,
    retryable: false,
    explain: 'The command line does not say what to do. Run the command with --help.',
  },
  InvalidLsn: {
    exit: 2,
    http: 400,
    retryable: false,
    explain: 'A WAL position is two hex halves, as PostgreSQL prints them: 16/B374D848.',
  },
  InvalidDuration: {
    exit: 2,
    http: 400,
    retryable: false,
    explain: 'A duration is a number and a unit: 5s, 15m, 4 hours, 1h 30m.',
  },
  InvalidTime: {
    exit: 2,
    http: 400,
    retryable: false,
    explain: 'A time is ISO 8601 with a zone: 2026-01-15T10:30:00Z.',
  },
  WorkloadFileInvalid: {
    exit: 2,
    http: 400,
    retryable: false,
    explain: 'The workload file has a mistake at the place named (file:line:column).',
  },
  WorkloadFileNotFound: {
    exit: 2,
    http: 404,
    retryable: false,
    explain: 'There is no workload file where one was looked for. Name it with --workload.',
  },
  PricesInvalid: {
    exit: 2,
    http: 400,
    retryable: false,
    explain:
      'The file named with --prices is no table of prices. lifeboat cost --help says what it holds.',
  },

  // The machine is not fit.
  PostgresMissing: {
    exit: 20,
    http: 500,
    retryable: false,
    explain:
      'No usable PostgreSQL binaries. Install the npm dependencies again or set LIFEBOAT_PG_BIN.',
  },
  PostgresFailed: {
    exit: 20,
    http: 500,
    retryable: false,
    explain:
      'A PostgreSQL server did not start or stopped by itself. Its log is named in the message.',
  },
  FolderNotUsable: {
    exit: 21,
    http: 500,
    retryable: false,
    explain: 'A folder cannot be created, read or written by the account that needs it.',
  },
  DiskFull: {
    exit: 21,
    http: 507,
    retryable: true,
    explain: 'The disk is full. Nothing half-made was kept. Free some space and try again.',
  },
  PortTaken: {
    exit: 22,
    http: 500,
    retryable: false,
    explain: 'Another program listens on that port. Choose another with --port.',
  },
  AlreadyRunning: {
    exit: 23,
    http: 409,
    retryable: false,
    explain: 'Another process owns this folder (I9). Stop it first, or use another --home.',
  },
  StateDamaged: {
    exit: 24,
    http: 500,
    retryable: false,
    explain: 'A file of state does not hold what was written there. It is named in the message.',
  },

  // The vault and the write-ahead log.
  BackupNotFound: {
    exit: 30,
    http: 404,
    retryable: false,
    explain: 'No backup has that name. List them with lifeboat backup list.',
  },
  BackupFailed: {
    exit: 31,
    http: 500,
    retryable: true,
    explain: 'A backup could not be completed. It is not listed, and its data is removed.',
  },
  VaultDamaged: {
    exit: 32,
    http: 500,
    retryable: false,
    explain:
      'Stored backup data does not match its checksum. The file and offset are named; nothing of it was restored.',
  },
  VaultKeyWrong: {
    exit: 33,
    http: 403,
    retryable: false,
    explain: 'The vault is encrypted with another key.',
  },
  RecoveryPointUnreachable: {
    exit: 34,
    http: 409,
    retryable: false,
    explain: 'That moment is outside of every restore window. The windows are named.',
  },
  WalGap: {
    exit: 35,
    http: 409,
    retryable: false,
    explain: 'A part of the write-ahead log is missing, so that no restore can cross it.',
  },
  RestoreFailed: {
    exit: 36,
    http: 500,
    retryable: true,
    explain: 'A restore did not reach its target. The half-made instance was removed.',
  },

  KeyNotUsable: {
    exit: 37,
    http: 409,
    retryable: true,
    explain:
      'The key that backups are encrypted with is disabled, waits for its deletion, or is gone.',
  },

  // The wires to a workload.
  RegionUnreachable: {
    exit: 40,
    http: 503,
    retryable: true,
    explain:
      'The region does not answer. Check AWS_ENDPOINT_URL, or start one: lifeboat region start.',
  },
  CallRefused: {
    exit: 41,
    http: 409,
    retryable: false,
    explain: 'AWS refused the call; its code and words are in the message.',
  },
  CredentialsRefused: {
    exit: 42,
    http: 403,
    retryable: false,
    explain: 'The credentials were refused: by AWS, or by the database for what the secret holds.',
  },
  DatabaseUnreachable: {
    exit: 43,
    http: 503,
    retryable: true,
    explain: 'The database does not accept connections at its endpoint.',
  },
  ResourceNotFound: {
    exit: 44,
    http: 404,
    retryable: false,
    explain: 'A resource that the workload file names does not exist in that region.',
  },
  OutcomeUnknown: {
    exit: 45,
    http: 504,
    retryable: true,
    explain:
      'A call ended without an answer and its effect could not be read back. Nothing was repeated.',
  },
  NameServerUnreachable: {
    exit: 46,
    http: 503,
    retryable: true,
    explain: 'A name server does not answer, or not with what can be read.',
  },

  NotificationRefused: {
    exit: 49,
    http: 403,
    retryable: false,
    explain:
      'A notification is not proven to come from the topic that it names. Nothing in it was used.',
  },

  NotificationNotSent: {
    exit: 47,
    http: 502,
    retryable: false,
    explain:
      'Somebody who was to be told was not, or nobody knows whether. The recovery is not touched by it.',
  },
  UpdateNotFound: {
    exit: 48,
    http: 404,
    retryable: false,
    explain:
      'No update has that number, or that target. List them with lifeboat execution updates.',
  },

  // Runbooks and executions.
  RunbookNotFound: {
    exit: 50,
    http: 404,
    retryable: false,
    explain: 'No runbook has that name. List them with lifeboat runbook list.',
  },
  ExecutionNotFound: {
    exit: 51,
    http: 404,
    retryable: false,
    explain: 'No execution has that identifier. List them with lifeboat execution list.',
  },
  ExecutionAlreadyRunning: {
    exit: 52,
    http: 409,
    retryable: false,
    explain: 'One execution owns a workload (I9). Finish or cancel the other one first.',
  },
  ExecutionNotWaiting: {
    exit: 53,
    http: 409,
    retryable: false,
    explain: 'The execution is not in a state in which that can be asked of it.',
  },
  ApprovalRequired: {
    exit: 54,
    http: 409,
    retryable: false,
    explain: 'A gate waits for approval: lifeboat execution approve ID.',
  },
  ExecutionCanceled: {
    exit: 55,
    http: 409,
    retryable: false,
    explain: 'The execution was canceled and what it had done was undone.',
  },
  StepFailed: {
    exit: 56,
    http: 500,
    retryable: true,
    explain: 'A step failed. Retry it, skip it with a reason, or cancel the execution.',
  },
  StepDeadlineExceeded: {
    exit: 57,
    http: 504,
    retryable: true,
    explain: 'A step did not end before its deadline (I16).',
  },
  StateUnreachable: {
    exit: 58,
    http: 503,
    retryable: true,
    explain: "Lifeboat's own database cannot be reached.",
  },
  RunbookChanged: {
    exit: 59,
    http: 409,
    retryable: false,
    explain:
      'The execution began with other steps than the runbook has in this version of Lifeboat.',
  },
  ExecutionLocked: {
    exit: 66,
    http: 409,
    retryable: false,
    explain:
      'An execution of another Lifeboat holds the lock of this workload (I9). Finish it there, or go on with it here: lifeboat execution resume ID --take-over WHY.',
  },

  // Recovery.
  RecoveryPointUnknown: {
    exit: 60,
    http: 409,
    retryable: false,
    explain: 'No moment is known at which every check passed. Name one with --to.',
  },
  FenceNotProven: {
    exit: 61,
    http: 500,
    retryable: false,
    explain: 'A write that had to fail went through: writers are not stopped.',
  },
  RestoreNotVerified: {
    exit: 62,
    http: 500,
    retryable: false,
    explain: 'The restored database does not pass what it must pass. Consumers were not moved.',
  },
  ReplicationFailed: {
    exit: 67,
    http: 500,
    retryable: false,
    explain:
      'Objects could not be copied to the replica of their bucket. S3 says why on each version: x-amz-replication-status.',
  },
  CheckCannotFail: {
    exit: 63,
    http: 500,
    retryable: false,
    explain: 'A check also passes on a deliberately damaged copy, so it proves nothing (I8).',
  },
  FailoverNotConfirmed: {
    exit: 68,
    http: 409,
    retryable: false,
    explain:
      'Not two independent witnesses say that the region is lost, or writes still succeed. What each has seen is named.',
  },
  RecoveryRegionNotReady: {
    exit: 69,
    http: 409,
    retryable: false,
    explain:
      'The recovery region cannot take the workload over. What is missing is named; nothing was changed.',
  },
  DataLossNotAccepted: {
    exit: 71,
    http: 409,
    retryable: false,
    explain:
      'More would be lost than the recovery point objective allows. Accept it with --accept-data-loss, or wait.',
  },
  WorkloadAway: {
    exit: 72,
    http: 409,
    retryable: false,
    explain:
      'A failover has brought the workload to its other region. Bring it home first: lifeboat runbook run failback. Or make the workload file name that region as the first one.',
  },
  SwitchNotProven: {
    exit: 64,
    http: 500,
    retryable: false,
    explain: 'Consumers have not reached the restored database, or some still use the old one.',
  },
  ObjectiveMissed: {
    exit: 65,
    http: 200,
    retryable: false,
    explain: 'The recovery was proven, but slower or with more loss than its objectives allow.',
  },

  // The object store.
  BucketExists: {
    exit: 80,
    http: 409,
    retryable: false,
    explain: 'There is a bucket of that name already.',
  },
  BucketNotFound: {
    exit: 81,
    http: 404,
    retryable: false,
    explain: 'There is no bucket of that name.',
  },
  BucketNotEmpty: {
    exit: 82,
    http: 409,
    retryable: false,
    explain: 'A bucket is deleted only when it holds no version, no delete marker and no upload.',
  },
  ObjectNotFound: {
    exit: 83,
    http: 404,
    retryable: false,
    explain: 'There is no object, or no version of it, of that name.',
  },
  PreconditionFailed: {
    exit: 84,
    http: 412,
    retryable: false,
    explain: 'The object there is not the one that the condition names. Nothing was written.',
  },
  ObjectLocked: {
    exit: 85,
    http: 403,
    retryable: false,
    explain: 'The version is under a retention or a legal hold. Nothing was changed.',
  },
  UploadNotFound: {
    exit: 86,
    http: 404,
    retryable: false,
    explain: 'The upload was completed, was aborted or never was.',
  },
  PartInvalid: {
    exit: 87,
    http: 400,
    retryable: false,
    explain: 'A part was not uploaded, or is not the one that was meant.',
  },
  ObjectDamaged: {
    exit: 88,
    http: 500,
    retryable: false,
    explain:
      'The bytes of an object are missing or cannot be decrypted. Another version or its replica may be whole.',
  },
  ObjectKeyInvalid: {
    exit: 89,
    http: 400,
    retryable: false,
    explain: 'A key is text that has 1 to 1,024 bytes in UTF-8.',
  },

  // A bug, or something that nobody foresaw.
  Unexpected: {
    exit: 70,
    http: 500,
    retryable: false,
    explain:
      'Lifeboat met something that it does not know. Please report it with the details that the message names.',
  },
} as const satisfies Record<
  string,
  { exit: number; http: number; retryable: boolean; explain: string }
>

export type ErrorCode = keyof typeof ERRORS

/**
 * An expected failure, in words an operator can act on.
 *
 * message  what could not be done, to which named thing; lower case, no full stop
 * hint     one sentence that starts with a verb: what the operator can do next
 * cause    what went wrong underneath; logged, never sent to a client
 */
export class LifeboatError extends Error {
  override readonly name = 'LifeboatError'
  readonly hint: string | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    { hint, cause }: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.hint = hint
  }
}
