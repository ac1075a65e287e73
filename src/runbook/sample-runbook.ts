import { appendFile, readFile } from 'node:fs/promises'
import { LifeboatError } from '../core/errors.ts'
import { noUndo, type Runbook, runbook } from './runbook.ts'

/** What the sample's steps work on: a file to which each effect is a line, and orders to misbehave. */
export interface SampleInput {
  readonly file: string
  /** Steps that fail while the file named after them exists. */
  readonly failing?: readonly string[]
  /** Kills this process right before or right after the effect of a step, once. */
  readonly killAt?: string
}

const effects = async (file: string) => {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter(Boolean)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** An idempotent effect: the line is there once, however often it is asked for. */
async function leaveOnce(file: string, line: string): Promise<void> {
  if (!(await effects(file)).includes(line)) await appendFile(file, `${line}\n`, { flush: true })
}

async function dieOnce(input: SampleInput, place: string): Promise<void> {
  if (input.killAt !== place) return
  const mark = `killed ${place}`
  if ((await effects(input.file)).includes(mark)) return
  await appendFile(input.file, `${mark}\n`, { flush: true })
  process.kill(process.pid, 'SIGKILL')
}

function step(name: string, phase: 'decide' | 'execute' | 'verify' = 'execute') {
  return {
    title: `Do ${name}`,
    phase,
    deadlineSeconds: 10,
    onDeadline: 'ask' as const,
    run: async ({ input, signal }: { input: SampleInput; signal: AbortSignal }) => {
      if (
        input.failing?.includes(name) &&
        !(await effects(input.file)).includes(`mended ${name}`)
      ) {
        throw new LifeboatError('RestoreNotVerified', `'${name}' was told to fail`)
      }
      signal.throwIfAborted()
      await dieOnce(input, `before ${name}`)
      await leaveOnce(input.file, name)
      await dieOnce(input, `after ${name}`)
      return { did: name }
    },
    undo: async ({ input }: { input: SampleInput }) => leaveOnce(input.file, `undid ${name}`),
  }
}

/** A small runbook with every feature, for tests of the executor: first, then two in parallel, a gate each, an end. */
export const sampleRunbook: Runbook<SampleInput, object> = runbook<SampleInput, object>('sample', {
  title: 'Sample',
  description: 'Leaves a line in a file for each step.',
})
  .step('first', step('first', 'decide'))
  .step('left', {
    ...step('left'),
    gate: { kind: 'harm', cost: async () => ['one line'] },
  })
  .step('right', { ...step('right'), after: ['first'] })
  .step('check', {
    ...step('check', 'verify'),
    after: ['left', 'right'],
    undo: noUndo('it only reads'),
  })
  .step('last', { ...step('last'), gate: { kind: 'oneWay', cost: async () => ['the way back'] } })
  .build()
