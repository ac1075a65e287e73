import { parseDuration } from '../../core/duration.ts'
import type { Need as AnyNeed, Json } from '../../runbook/runbook.ts'
import type { DoingSource, OwnStepSource } from './schema.ts'

/** As JSON. */
type Need = { readonly [Key in keyof AnyNeed]: AnyNeed[Key] }

export type CommandDoing = { readonly kind: 'command'; readonly argv: readonly string[] }
export type HttpDoing = {
  readonly kind: 'http'
  readonly url: string
  readonly method: string
  readonly body?: string
  /** Undefined: any from 200 to 299. */
  readonly status?: number
}
export type LambdaDoing = {
  readonly kind: 'lambda'
  /** Or ARN. */
  readonly name: string
  readonly region: 'primary' | 'recovery'
  readonly payload?: Json
}
/** Undefined: in a recovery region that the workload does not have, which the reading of its file refuses. */
export function regionOf({ region }: LambdaDoing, workload: Regions): string | undefined {
  return region === 'primary' ? workload.region : workload.recoveryRegion
}

/** Of a workload. */
export type Regions = { readonly region: string; readonly recoveryRegion?: string }

export type Doing = CommandDoing | HttpDoing | LambdaDoing

/** A step of the user's own. JSON, so that an execution keeps it and goes on with it as it was. */
export type OwnStep = {
  readonly name: string
  readonly title: string
  readonly runbook: OwnStepSource['runbook']
  readonly after: string
  readonly owner: string
  readonly deadlineSeconds: number
  readonly needs?: readonly Need[]
  readonly isIdempotent: boolean
  readonly pass: readonly string[]
  readonly does: Doing | { readonly kind: 'manual'; readonly instructions: string }
  readonly check?: Doing
  readonly undo?: Doing
  /** Where its commands run: the folder of the workload file. */
  readonly folder?: string
}

export function ownStepOf(source: OwnStepSource): OwnStep {
  const { name, title = name, runbook, after, owner, manual } = source
  const doing = (one: NonNullable<DoingSource>) => doingOf(one, runbook)
  const does: OwnStep['does'] =
    manual === undefined ? doing(source) : { kind: 'manual', instructions: manual }
  const check = source.check && doing(source.check)
  const undo = source.undo && doing(source.undo)
  const needs = source.needs?.map(needOf) ?? derivedNeeds(does, check, undo)
  return {
    ...{ name, title, runbook, after, owner },
    deadlineSeconds: parseDuration(source.deadline),
    ...(needs && { needs }),
    isIdempotent: source.idempotent,
    pass: source.pass ?? [],
    does,
    ...(check && { check }),
    ...(undo && { undo }),
  }
}

function needOf({ without, ...need }: NonNullable<OwnStepSource['needs']>[number]): Need {
  return without === undefined ? need : { ...need, without }
}

/** What a step reaches that does not say it: nothing by itself where a person does it, and else known where all is Lambda's. */
function derivedNeeds(
  does: OwnStep['does'],
  check: Doing | undefined,
  undo: Doing | undefined,
): Need[] | undefined {
  const doings = [does, check, undo].flatMap((one) => one ?? [])
  const isKnown = does.kind === 'manual' || doings.every(({ kind }) => kind === 'lambda')
  if (!isKnown) return undefined
  const regions = doings.flatMap((one) => (one.kind === 'lambda' ? [one.region] : []))
  return [...new Set(regions)].map((where) => ({ api: 'lambda', where, plane: 'data' }))
}

/** Every function that a step calls. */
export function functionsOf({ does, check, undo }: OwnStep): LambdaDoing[] {
  return [does, check, undo].flatMap((one) => (one?.kind === 'lambda' ? [one] : []))
}

function doingOf(
  { command = [], http, lambda }: NonNullable<DoingSource>,
  runbook: OwnStep['runbook'],
): Doing {
  if (lambda) {
    const { function: name, payload } = lambda
    const region = lambda.region ?? (runbook === 'region-failure' ? 'recovery' : 'primary')
    return { kind: 'lambda', name, region, ...(payload !== undefined && { payload }) }
  }
  if (!http) return { kind: 'command', argv: command }
  const { url, method, body, status } = http
  return {
    ...{ kind: 'http', url, method },
    ...(body !== undefined && { body }),
    ...(status !== undefined && { status }),
  }
}

/** In one line, as plans show it. */
export function doingWords(doing: OwnStep['does']): string {
  if (doing.kind === 'manual') return `a person: ${doing.instructions}`
  if (doing.kind === 'command') {
    return doing.argv
      .map((arg) => (/^[\w./:=@%+,-]+$/.test(arg) ? arg : JSON.stringify(arg)))
      .join(' ')
  }
  if (doing.kind === 'lambda') return `function '${doing.name}' of the ${doing.region} region`
  return `${doing.method} ${doing.url}, which answers ${doing.status ?? '2xx'}`
}
