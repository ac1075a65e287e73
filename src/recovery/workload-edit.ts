import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { isScalar, LineCounter, parseDocument } from 'yaml'
import { assert } from '../core/assert.ts'
import { LifeboatError } from '../core/errors.ts'
import { isCompleted } from '../runbook/execution.ts'
import { outputsOf, type ReportedExecution } from './report.ts'
import { summary } from './runbooks/all.ts'
import type { FailbackOutputs } from './runbooks/failback/document.ts'
import { failback } from './runbooks/failback.ts'
import { regionFailure } from './runbooks/region-failure.ts'
import type { Workload } from './workload.ts'
import { parseWorkload } from './workload-file.ts'

/** The names of a workload's database. */
export type DatabaseNames = Pick<Workload['database'], 'instance' | 'standby'>

/** A value of a workload file that was replaced, at its place. JSON. */
export type WorkloadChange = {
  /** `lifeboat.yaml:5:14` */
  readonly place: string
  readonly key: keyof DatabaseNames
  readonly from: string
  readonly to: string
}

/**
 * What a workload file has to call the database after a recovery; undefined when that has made none, as its step was skipped.
 *
 * @throws LifeboatError `InvalidUsage` for an execution that has not ended well, or has left the workload away from home
 */
export function namesAfter(execution: ReportedExecution): DatabaseNames | undefined {
  const { id, runbook } = execution
  if (runbook === regionFailure.name) {
    throw refused(
      `after '${id}' the workload is not at home`,
      'Bring it home: lifeboat runbook run failback.',
    )
  }
  if (!isCompleted(execution)) {
    throw refused(`'${id}' is not completed`, `See lifeboat execution show ${id}.`)
  }
  const { restored } = summary(execution)
  if (!restored) return undefined
  if (runbook !== failback.name) return { instance: restored.instance }
  const { standby } = outputsOf<FailbackOutputs>(execution)
  return standby?.workloadFile ?? { instance: restored.instance }
}

/**
 * Gives the database of a workload file other names, and leaves every other character as it is.
 *
 * @param file  the name that places are told under
 * @param before  what an execution has known them as: a file that says neither that nor the new name is of something else
 * @throws LifeboatError `WorkloadFileInvalid`, `InvalidUsage`
 */
export function renameDatabase(
  text: string,
  file: string,
  { before, after }: { before: DatabaseNames; after: DatabaseNames },
): { readonly text: string; readonly changes: readonly WorkloadChange[] } {
  const { database } = parseWorkload(text, file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const changes: (WorkloadChange & { start: number; end: number })[] = []
  for (const key of ['instance', 'standby'] as const) {
    const from = database[key]
    const to = after[key]
    if (to === undefined || from === to) continue
    const node = document.getIn(['database', key], true)
    if (from !== undefined && !(isScalar(node) && node.range && isOnOneLine(text, node.range))) {
      throw refused(
        `${file} does not name the ${key} in one plain word`,
        `Write '${key}: ${to}' yourself.`,
      )
    }
    if (from === undefined || from !== before[key] || !isScalar(node) || !node.range) {
      const named = from === undefined ? `no ${key}` : `'${from}' as ${key}`
      throw refused(
        `${file} names ${named}, and the recovery began with '${before[key]}'`,
        `If it is the same database, write '${key}: ${to}' yourself.`,
      )
    }
    const [start, end] = node.range
    const { line, col } = lines.linePos(start)
    changes.push({ place: `${file}:${line}:${col}`, key, from, to, start, end })
  }
  const renamed = changes
    .toSorted((a, b) => b.start - a.start)
    .reduce((rest, { start, end, to }) => rest.slice(0, start) + to + rest.slice(end), text)
  const { database: now } = parseWorkload(renamed, file)
  for (const { key, to } of changes) {
    assert(now[key] === to, `${file} says '${now[key]}' as ${key} after it was changed to '${to}'`)
  }
  return {
    text: renamed,
    changes: changes.map(({ place, key, from, to }) => ({ place, key, from, to })),
  }
}

function isOnOneLine(text: string, [start, end]: readonly number[]): boolean {
  return !text.slice(start, end).includes('\n')
}

/**
 * As `renameDatabase`, in a file, which is whole at every moment.
 *
 * @throws LifeboatError as `renameDatabase`, `WorkloadFileNotFound`
 */
export async function updateWorkloadFile(
  path: string,
  names: { before: DatabaseNames; after: DatabaseNames },
  { dryRun }: { dryRun: boolean },
): Promise<readonly WorkloadChange[]> {
  // Where a link leads to, so that the link stays one.
  const file = await realpath(path)
  const { text, changes } = renameDatabase(await readFile(file, 'utf8'), basename(path), names)
  if (dryRun || changes.length === 0) return changes
  const { mode } = await stat(file)
  const coming = `${file}.${process.pid}.coming`
  try {
    await writeFile(coming, text, { mode, flush: true })
    await rename(coming, file)
  } catch (error) {
    await rm(coming, { force: true })
    throw new LifeboatError(
      'FolderNotUsable',
      `'${path}' could not be written: ${reasonOf(error)}`,
      {
        hint: 'It says what it said before. Let Lifeboat write to its folder, or change it by hand.',
        cause: error,
      },
    )
  }
  return changes
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

function refused(what: string, hint: string): LifeboatError {
  return new LifeboatError('InvalidUsage', what, { hint })
}
