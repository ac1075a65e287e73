import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTests } from './run-tests.mjs'
import { ensureSetUp } from './set-up.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const CHECKS = [
  ['format and lint', '@biomejs/biome/bin/biome', ['check']],
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.check.json']],
  ['unused files, exports and packages', 'knip/bin/knip.js', []],
]

/** Runs the static checks and then, unless `--no-tests` is given, the tests. Resolves to the exit code. */
export async function runChecks(args) {
  if (!ensureSetUp()) return 20
  const failed = CHECKS.filter(([title, program, options]) => !passes(title, program, options))
  const withTests = !args.includes('--no-tests')
  const tests = withTests ? await runTests(args) : 0
  for (const [title] of failed) process.stderr.write(`failed: ${title}\n`)
  return failed.length > 0 ? 1 : tests
}

function passes(title, program, options) {
  process.stderr.write(`check: ${title}\n`)
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', program), ...options],
    { cwd: root, stdio: 'inherit' },
  )
  return status === 0
}
