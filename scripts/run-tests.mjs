import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSetUp } from './set-up.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs vitest once with `args`; resolves to the exit code. */
export async function runTests(args) {
  if (!ensureSetUp()) return 20
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-'))
  const results = join(folder, 'results.json')
  try {
    const code = await exitOf([
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...(args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']),
      '--reporter=json',
      `--outputFile.json=${results}`,
      ...args,
    ])
    process.stdout.write(`${countsIn(results, code)}\n`)
    return code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The child shares our terminal, so Ctrl-C reaches it directly; we wait for it to clean up. */
function exitOf(command) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

/** A file that could not even be loaded counts as one failure: it holds tests that did not run. */
function countsIn(file, code) {
  let report
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error
    return `0 passed, ${code === 0 ? 0 : 1} failed, 0 skipped`
  }
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length
  const failed = report.numFailedTests + unloadable
  const skipped = report.numPendingTests + report.numTodoTests
  return `${report.numPassedTests} passed, ${failed === 0 && code !== 0 ? 1 : failed} failed, ${skipped} skipped`
}
