import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const compiled = join(import.meta.dirname, '..', '..', 'dist', 'src', 'region', 'error-log.js')

test('an error that cannot be logged, as on a full disk, does not end the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-log-'))
  const log = join(folder, 'region.log')
  const program = `
    const { logError } = await import(${JSON.stringify(compiled)})
    logError(new Error('a first one'))
    logError(new Error('and another'))
    for (const delay of [0, 1, 10]) setTimeout(() => logError(new Error('later')), delay)
    setTimeout(() => process.exit(7), 100)`
  // No file of this process may grow. It is refused with EFBIG where a full disk would say ENOSPC.
  const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" --input-type=module --eval "$1" 2>"$2"`
  const child = spawn('bash', ['-c', limited, process.execPath, program, log], { stdio: 'ignore' })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(7)
  expect(readFileSync(log, 'utf8')).toBe('')
  rmSync(folder, { recursive: true })
})
