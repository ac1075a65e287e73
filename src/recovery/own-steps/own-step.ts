import { parseDuration } from '../../core/duration.ts'
import type { Need as AnyNeed } from '../../runbook/runbook.ts'
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
export type Doing = CommandDoing | HttpDoing

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
  const { name, title = name, runbook, after, owner, manual, needs, check, undo } = source
  const reaches = needs ?? (manual === undefined ? undefined : [])
  return {
    ...{ name, title, runbook, after, owner },
    deadlineSeconds: parseDuration(source.deadline),
    ...(reaches && { needs: reaches.map(needOf) }),
    isIdempotent: source.idempotent,
    pass: source.pass ?? [],
    does: manual === undefined ? doingOf(source) : { kind: 'manual', instructions: manual },
    ...(check && { check: doingOf(check) }),
    ...(undo && { undo: doingOf(undo) }),
  }
}

function needOf({ without, ...need }: NonNullable<OwnStepSource['needs']>[number]): Need {
  return without === undefined ? need : { ...need, without }
}

function doingOf({ command = [], http }: NonNullable<DoingSource>): Doing {
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
  return `${doing.method} ${doing.url}, which answers ${doing.status ?? '2xx'}`
}
