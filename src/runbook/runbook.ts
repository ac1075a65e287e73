import { assert } from '../core/assert.ts'

/** What a step may return and a journal can keep. Never a credential (I12). */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export type JsonObject = { readonly [key: string]: Json }

/** Where an execution asks a person (I6): before customers feel anything, before what cannot be undone, and where a person has to do something. */
export type GateKind =
  | 'harm'
  | 'oneWay'
  /** A person does the step's work; opening it says that it is done, so that it never opens by itself. */
  | 'manual'

/** Which part of the recovery time a step's work counts as (I11). */
export type Phase = 'decide' | 'execute' | 'verify'

/** What happens when a step's deadline passes (I16). */
export type OnDeadline = 'retry' | 'ask' | 'abort'

/**
 * Something that a step reaches, so that a plan can be refused that needs what it recovers from.
 *
 *     { api: 'rds', where: 'recovery', plane: 'control' }
 */
export interface Need {
  /** As `rds`, `sql`, `dns`. */
  readonly api: string
  /** The region that is at risk, the one to recover in, or what all regions share. */
  readonly where: 'primary' | 'recovery' | 'global'
  /** What changes resources, or what goes on with those that there are. */
  readonly plane: 'control' | 'data'
  /** What the step does without it; absent when it cannot do without. */
  readonly without?: string
}

/** One line for a shell: a whole command, which may be repeated. */
export interface TypedLine {
  /** `do` acts; `check` succeeds only when all is well; `try` may fail, and whoever types it goes on. */
  readonly kind: 'do' | 'check' | 'try'
  /** What for, in words. */
  readonly what: string
  readonly line: string
}

export interface StepContext<Input, Done, Tools> {
  readonly input: Input
  /** Outputs of the steps that this one comes after, directly or not, by name. */
  readonly done: Done
  readonly tools: Tools
  readonly execution: { readonly id: string; readonly runbook: string; readonly startedAt: Date }
  readonly step: string
  /** Aborts at the step's deadline and when the execution is canceled. */
  readonly signal: AbortSignal
  /** Says how far the step is; `fraction` is from 0 to 1. */
  progress(message: string, fraction?: number): void
}

export interface Gate<Input, Done, Tools> {
  readonly kind: GateKind
  /** What approving will cost, in sentences, as measured at the moment of asking. */
  cost(context: StepContext<Input, Done, Tools>): Promise<readonly string[]>
}

export interface NoUndo {
  readonly noUndo: string
}

/** Declares that a step leaves nothing behind that had to be taken back, and why. */
export function noUndo(reason: string): NoUndo {
  return { noUndo: reason }
}

export interface StepDefinition<Input, Done, Tools, Output, Facts = never> {
  /** What a person reads: an imperative phrase. */
  readonly title: string
  /** The steps that must be done before. Default: the step before this one; `[]` may start at once. */
  readonly after?: readonly (keyof Done & string)[]
  readonly phase: Phase
  /** Everything that the step reaches. Default: not declared, and then its runbook is not checked. */
  readonly needs?: readonly Need[]
  readonly gate?: Gate<Input, Done, Tools>
  /** Why what it reaches stays unknown although it ends well: then its execution proves nothing (I10). */
  readonly unproven?: string
  /** What a person should know of it before it runs, beside its title. */
  readonly notes?: readonly string[]
  readonly deadlineSeconds: number
  readonly onDeadline: OnDeadline
  /** May run more than once (I4): everything it makes is named after the execution. */
  run(context: StepContext<Input, Done, Tools>): Promise<Output>
  /** Takes the step's effect back. May run more than once. */
  readonly undo:
    | NoUndo
    | ((context: StepContext<Input, Done, Tools> & { readonly output: Output }) => Promise<void>)
  /** What a person types to do the same with nothing but a shell; from what is known long before. */
  readonly byHand?: (facts: Facts) => readonly TypedLine[]
}

/** A step as the executor sees it: names resolved, types of this one runbook forgotten. */
export interface Step extends StepDefinition<never, Record<string, Json>, never, Json> {
  readonly name: string
  readonly after: readonly string[]
}

/** A list of steps that is known before it runs, so that it can be shown, approved and tested. */
export interface Runbook<Input = never, Tools = never> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly steps: readonly Step[]
  /** Never set: carries the types of input and tools. */
  readonly types?: (input: Input, tools: Tools) => void
}

/**
 * Begins a runbook. Steps are added in the order in which a person would read them.
 *
 *     runbook<{ instance: string }, Tools>('data-corruption', { title, description })
 *       .step('identify', { title: 'Identify', phase: 'decide', … })
 *       .step('stop-writes', { … run: ({ done }) => stop(done.identify.instance) })
 *       .build()
 */
export function runbook<Input, Tools, Facts = never>(
  name: string,
  words: { readonly title: string; readonly description: string },
): RunbookBuilder<Input, Record<never, never>, Tools, Facts> {
  return new RunbookBuilder(name, words, [])
}

export class RunbookBuilder<Input, Done extends object, Tools, Facts = never> {
  constructor(
    private readonly name: string,
    private readonly words: { readonly title: string; readonly description: string },
    private readonly steps: readonly Step[],
  ) {}

  step<const Name extends string, Output extends Json | undefined>(
    name: Name extends keyof Done ? never : Name,
    definition: StepDefinition<Input, Done, Tools, Output, Facts>,
  ): RunbookBuilder<Input, Done & { readonly [Key in Name]: Output }, Tools, Facts> {
    const before = this.steps.at(-1)
    const after = definition.after ?? (before ? [before.name] : [])
    const unknown = after.filter((wanted) => !this.steps.some((step) => step.name === wanted))
    assert(
      unknown.length === 0,
      `step '${name}' comes after steps that are in the list: ${unknown}`,
    )
    const step = { ...definition, name, after } as unknown as Step
    return new RunbookBuilder(this.name, this.words, [...this.steps, step])
  }

  build(): Runbook<Input, Tools> {
    assert(this.steps.length > 0, 'a runbook has steps')
    return { name: this.name, ...this.words, steps: this.steps }
  }
}
