/** One value of a metric, as a service of the region measures it. */
export interface Measurement {
  /** As `AWS/RDS`. */
  readonly namespace: string
  readonly name: string
  /** One of CloudWatch's: `Count`, `Bytes`, `Seconds`, `Percent`, `None`, … */
  readonly unit: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly value: number
  /** Undefined: when it was asked for. */
  readonly at?: Date
}

/**
 * A service that measures itself. `region.ts` hands it to CloudWatch, which asks it every 15 seconds, before it answers
 * questions about metrics, and before it evaluates alarms.
 */
export interface MetricSource {
  /**
   * What is so now, and what has happened since it was asked last. Each value is told once and counts as one sample of
   * its minute; what is not told is missing there.
   *
   * Never called again before it has answered; an answer that takes longer than `SAMPLE_DEADLINE_MS` is not waited for, and
   * counts when it comes. What it rejects with is reported, and its values are missing.
   */
  sample(): Promise<readonly Measurement[]>
}

/** How long an answer or an alarm waits for the sources, in milliseconds. */
export const SAMPLE_DEADLINE_MS = 2000
