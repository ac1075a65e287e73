/**
 * How long a recovery took, and where the time went (I11).
 *
 *   damage          detection        start       gates and steps          first verified write
 *     |─── detect ─────|── decide ─────|── decide / execute / verify ────────────|
 *     |──────────────────────────── exposure ────────────────────────────────────|
 *                      |─────────────────────── total ───────────────────────────|
 *
 * decide + execute + verify is exactly the total: each instant counts once, also when steps run side by
 * side. What is only bounded is given as bounds; nothing is invented.
 */
import type { Bounds } from './recovery-point.ts'

export interface JournalStep {
  readonly phase: 'decide' | 'execute' | 'verify'
  readonly attempts: readonly {
    readonly startedAt: Date | string
    readonly endedAt?: Date | string | null
    readonly error?: unknown
  }[]
  readonly gate?: { readonly askedAt: Date | string; readonly approvedAt?: Date | string | null }
}

export interface RecoveryMoments {
  /** When the damage was committed; on our own clock. */
  readonly damagedAt: Bounds
  /** When the first check failed; on our own clock. Null when no check did: then the start of the execution. */
  readonly detectedAt: Date | null
  readonly startedAt: Date
  /** When the first verified good write arrived at the restored database; null before that. */
  readonly firstVerifiedWriteAt: Date | null
}

/** Seconds with milliseconds. Null: not known. */
export type RecoveryTime = {
  /** Damaging commit to first verified write. */
  readonly exposureSeconds: number | null
  /** Damaging commit to first failed check. */
  readonly detectSeconds: number | null
  readonly decideSeconds: number | null
  readonly executeSeconds: number | null
  readonly verifySeconds: number | null
  /** Detection to first verified write. */
  readonly totalSeconds: number | null
  /** The last approval of a gate, though it was given ahead, to the first verified write: what the machine takes when people have decided. */
  readonly fromApprovalSeconds: number | null
  /** At least and at most, where the moment of the damage is only bounded. */
  readonly exposureBoundsSeconds?: readonly [number | null, number | null]
  readonly detectBoundsSeconds?: readonly [number | null, number | null]
}

export function measureRecovery(
  moments: RecoveryMoments,
  steps: readonly JournalStep[],
): RecoveryTime {
  const { damagedAt, startedAt, firstVerifiedWriteAt } = moments
  const detectedAt = moments.detectedAt ?? startedAt
  const from = damagedAt.from === null ? null : new Date(damagedAt.from)
  const to = damagedAt.to === null ? null : new Date(damagedAt.to)
  const isExact = from !== null && to !== null && from.getTime() === to.getTime()

  const end = firstVerifiedWriteAt
  const share = end ? partition(detectedAt, end, startedAt, steps) : undefined
  return {
    exposureSeconds: isExact && end ? secondsBetween(from, end) : null,
    detectSeconds: isExact && moments.detectedAt ? secondsBetween(from, detectedAt) : null,
    decideSeconds: share?.decide ?? null,
    executeSeconds: share?.execute ?? null,
    verifySeconds: share?.verify ?? null,
    totalSeconds: end ? secondsBetween(detectedAt, end) : null,
    fromApprovalSeconds: end && fromApproval(steps, end),
    ...(!isExact && {
      exposureBoundsSeconds: boundsUntil(end, from, to),
      detectBoundsSeconds: boundsUntil(moments.detectedAt, from, to),
    }),
  }
}

function fromApproval(steps: readonly JournalStep[], end: Date): number | null {
  const approvals = steps.flatMap(({ gate }) =>
    gate?.approvedAt ? [new Date(gate.approvedAt)] : [],
  )
  const before = approvals.filter((at) => at <= end).sort((a, b) => Number(a) - Number(b))
  const last = before.at(-1)
  return last ? secondsBetween(last, end) : null
}

function boundsUntil(end: Date | null, from: Date | null, to: Date | null) {
  if (!end) return [null, null] as const
  const least = to && Math.max(0, secondsBetween(to, end))
  return [least, from && secondsBetween(from, end)] as const
}

/** Seconds of each phase from `start` to `end`, which add up to the whole. */
function partition(start: Date, end: Date, begunAt: Date, steps: readonly JournalStep[]) {
  const spans = steps.flatMap((step) => spansOf(step, end))
  const edges = [start, end, begunAt, ...spans.flatMap((span) => [span.from, span.to])]
  const cuts = [...new Set(edges.map((edge) => Number(edge)))]
    .filter((cut) => cut >= Number(start) && cut <= Number(end))
    .sort((a, b) => a - b)
  const ms = { decide: 0, execute: 0, verify: 0 }
  for (let index = 1; index < cuts.length; index++) {
    const [left, right] = [cuts[index - 1]!, cuts[index]!]
    const middle = (left + right) / 2
    ms[phaseAt(middle, Number(begunAt), spans)] += right - left
  }
  return { decide: ms.decide / 1000, execute: ms.execute / 1000, verify: ms.verify / 1000 }
}

interface Span {
  readonly kind: 'decide' | 'execute' | 'verify' | 'gate'
  readonly from: number
  readonly to: number
  readonly hasFailed?: boolean
}

function spansOf(step: JournalStep, now: Date): Span[] {
  const ended = (time: Date | string | null | undefined) => Number(new Date(time ?? now))
  const gate: Span[] = step.gate
    ? [
        {
          kind: 'gate',
          from: Number(new Date(step.gate.askedAt)),
          to: ended(step.gate.approvedAt),
        },
      ]
    : []
  const asked = gate[0]
  const attempts = step.attempts.map((attempt): Span => {
    const from = Number(new Date(attempt.startedAt))
    return {
      kind: step.phase,
      // A step does not run while its own gate is closed.
      from: asked && from < asked.to ? asked.to : from,
      to: ended(attempt.endedAt),
      hasFailed: attempt.error !== undefined && attempt.error !== null,
    }
  })
  return [...gate, ...attempts]
}

/** Work counts before waiting, and execution before verification: that is what delays the users. */
function phaseAt(time: number, begunAt: number, spans: readonly Span[]) {
  if (time < begunAt) return 'decide'
  const open = spans.filter((span) => span.from <= time && time < span.to).map((span) => span.kind)
  if (open.includes('execute')) return 'execute'
  if (open.includes('verify')) return 'verify'
  if (open.includes('decide') || open.includes('gate')) return 'decide'
  const last = spans.filter((span) => span.to <= time).toSorted((a, b) => b.to - a.to)[0]
  // Between steps the machine works; after a failure it waits for a person.
  return last?.hasFailed ? 'decide' : 'execute'
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}
