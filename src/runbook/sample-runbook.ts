import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunbookWorld } from './crash-tests.ts'
import { noUndo, type Runbook, runbook } from './runbook.ts'

/** The file to which every effect of the sample is a line. */
export interface SampleInput {
  readonly file: string
}

function step(name: string, phase: 'decide' | 'execute' | 'verify' = 'execute') {
  return {
    title: `Do ${name}`,
    phase,
    deadlineSeconds: 10,
    onDeadline: 'ask' as const,
    run: async ({ input }: { input: SampleInput }) => {
      await addLine(input.file, name)
      return { did: name }
    },
    undo: async ({ input, output }: { input: SampleInput; output: { did: string } }) =>
      removeLine(input.file, output.did),
  }
}

/**
 * A small runbook with every feature of the executor, to try it on.
 *
 *   first ┬ left (harm gate) ┬ check ─ last (one-way gate)
 *         └ right ───────────┘
 */
export const sampleRunbook: Runbook<SampleInput, object> = runbook<SampleInput, object>('sample', {
  title: 'Sample',
  description: 'Leaves a line in a file for each step.',
})
  .step('first', step('first', 'decide'))
  .step('left', { ...step('left'), gate: { kind: 'harm', cost: async () => ['one line'] } })
  .step('right', { ...step('right'), after: ['first'] })
  .step('check', {
    ...step('check', 'verify'),
    after: ['left', 'right'],
    run: async ({ input, done }) => {
      await addLine(input.file, `check of ${done.left.did} and ${done.right.did}`)
      return null
    },
    undo: noUndo('a line about lines does no harm'),
  })
  .step('last', { ...step('last'), gate: { kind: 'oneWay', cost: async () => ['the way back'] } })
  .build()

/** A file of its own for every case. */
export const world: RunbookWorld<SampleInput> = {
  runbook: sampleRunbook,
  create: async () => ({ file: join(await mkdtemp(join(tmpdir(), 'lifeboat-sample-')), 'lines') }),
  input: (sample) => ({ ...sample }),
  tools: () => ({}),
  effects: async ({ file }) => (await linesOf(file)).sort(),
  isUntouched: async ({ file }) => (await linesOf(file)).every((line) => line.startsWith('check')),
  remove: async ({ file }) => rm(join(file, '..'), { recursive: true }),
}

async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter(Boolean)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The line is there once, however often it is asked for. */
async function addLine(file: string, line: string): Promise<void> {
  if (!(await linesOf(file)).includes(line)) await appendFile(file, `${line}\n`, { flush: true })
}

async function removeLine(file: string, line: string): Promise<void> {
  const kept = (await linesOf(file)).filter((one) => one !== line)
  await writeFile(file, kept.map((one) => `${one}\n`).join(''), { flush: true })
}
