import { noUndo, type Runbook, runbook, type StepContext } from '../../src/runbook/runbook.ts'

type Context = StepContext<unknown, Record<string, never>, unknown>

/** How the steps of a scripted runbook behave, by name; what is not said is done at once and well. */
export interface Script {
  [step: string]: {
    readonly after?: readonly string[]
    readonly gate?: 'harm' | 'oneWay'
    readonly cost?: () => Promise<readonly string[]>
    readonly deadlineSeconds?: number
    readonly onDeadline?: 'retry' | 'ask' | 'abort'
    readonly run?: (context: Context) => Promise<unknown>
    readonly undo?: (context: Context & { output: unknown }) => Promise<void>
  }
}

/** A runbook whose steps do what a test says, and which takes notes of what was done and undone. */
export function scripted(script: Script, notes: string[] = []): Runbook {
  let list = runbook<unknown, unknown>('scripted', { title: 'Scripted', description: 'for a test' })
  for (const [name, given] of Object.entries(script)) {
    const { run, undo, gate, cost, after } = given
    const definition = {
      title: `Do ${name}`,
      phase: 'execute' as const,
      deadlineSeconds: given.deadlineSeconds ?? 20,
      onDeadline: given.onDeadline ?? ('ask' as const),
      ...(after && { after }),
      ...(gate && { gate: { kind: gate, cost: cost ?? (async () => [`the cost of ${name}`]) } }),
      run: async (context: Context) => {
        const output = (await run?.(context)) ?? null
        notes.push(name)
        return output
      },
      undo: undo
        ? async (context: Context & { output: unknown }) => {
            await undo(context)
            notes.push(`undid ${name}`)
          }
        : noUndo('a test does not want it'),
    }
    list = list.step(name as never, definition as never) as never
  }
  return list.build() as never
}

export interface Latch {
  readonly open: () => void
  readonly opened: Promise<void>
}

/** A promise that is resolved from outside. */
export function latch(): Latch {
  let open!: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
