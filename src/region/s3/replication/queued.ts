/** An entry of the outbox: one version that one bucket is to be told of. */
export interface Queued {
  readonly kind: 'replica'
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  /** The name of the destination bucket. */
  readonly destination: string
  readonly ruleId: string
  readonly sizeBytes: number
  readonly queuedAtMs: number
  /** Whether only tags and locks have changed. */
  readonly isChange: boolean
}

export function isQueued(value: unknown): value is Queued {
  return (value as Partial<Queued> | undefined)?.kind === 'replica'
}
