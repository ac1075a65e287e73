import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { LifeboatError } from '../core/errors.ts'
import { type Database, sqlStateOf } from '../probe/database.ts'
import { type CheckResult, runCheck } from './checks.ts'
import type { Check } from './workload.ts'

export interface PutBackOrder {
  readonly database: Database
  readonly path: string
  readonly sha256: string
  readonly separator: string
  readonly checks: readonly Check[]
}

/**
 * Runs a salvage file in one transaction, runs the checks inside it, and commits only when all pass.
 *
 * Safe to call again: rows that are there are left alone.
 *
 * @returns rows inserted by this call
 * @throws LifeboatError `RestoreNotVerified` when the file was changed, a row is refused or a check fails;
 *   nothing was put back then
 */
export async function putBack(order: PutBackOrder): Promise<number> {
  await refuseChangedFile(order)
  const { database, checks, path } = order
  return database.transaction('write', async () => {
    let inserted = 0
    try {
      for await (const statement of statementsOf(order)) {
        inserted += await database.execute(statement)
      }
      await database.query('SET CONSTRAINTS ALL IMMEDIATE')
    } catch (error) {
      if (sqlStateOf(error) === undefined) throw error
      const words = error instanceof Error ? error.message : String(error)
      throw refused(`a row of '${path}' was refused: ${words}`, error)
    }
    const results: CheckResult[] = []
    for (const check of checks) results.push(await runCheck(database, check))
    const bad = results.find((result) => result.state !== 'passed')
    if (bad) throw refused(`with the salvaged rows, '${bad.check}' is ${bad.state}: ${bad.reason}`)
    return inserted
  })
}

function refused(message: string, cause?: unknown): LifeboatError {
  return new LifeboatError('RestoreNotVerified', `${message}; nothing was put back`, {
    hint: 'Edit a copy of the file and replay it by hand, then skip this step with a reason.',
    cause,
  })
}

async function refuseChangedFile({ path, sha256 }: PutBackOrder): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  if (hash.digest('hex') !== sha256) {
    throw refused(`'${path}' is not what the salvage wrote`)
  }
}

/** The statements between the separators; BEGIN, settings and COMMIT are the transaction's own. */
async function* statementsOf({ path, separator }: PutBackOrder): AsyncGenerator<string> {
  let lines: string[] = []
  let isHead = true
  for await (const line of readLines(path)) {
    if (line !== separator) {
      lines.push(line)
      continue
    }
    if (isHead) yield SETTINGS
    else yield lines.join('\n')
    isHead = false
    lines = []
  }
}

const SETTINGS = `SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'UTC'; SET LOCAL intervalstyle = 'postgres';
  SET LOCAL standard_conforming_strings = on; SET CONSTRAINTS ALL DEFERRED`

/** Lines that end in a line feed only: a carriage return belongs to a value. */
async function* readLines(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
