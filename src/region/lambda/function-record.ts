import type { Architecture, Runtime } from '../protocol/models/lambda.ts'

/** A function as it is kept. */
export interface FunctionRecord {
  readonly name: string
  /** Of this function, and of none that had the name before. */
  readonly id: string
  readonly runtime: Runtime
  readonly handler: string
  readonly role: string
  readonly description: string
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly ephemeralMb: number
  readonly architecture: Architecture
  /** May hold secrets (I12). */
  readonly environment: Readonly<Record<string, string>> | undefined
  readonly codeSha256: string
  readonly codeSizeBytes: number
  /** ISO 8601. */
  readonly modifiedAt: string
  readonly revisionId: string
}
