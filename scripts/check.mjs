// npm run check [-- --no-tests]: all that CI runs before the demo. Goes on after a failure, so that one
// run tells all.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTests } from './run-tests.mjs'
import { ensureSetUp } from './set-up.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const CHECKS = [
  ['format and lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings']],
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.check.json']],
  ['unused files, exports and packages', 'knip/bin/knip.js', []],
]

process.exitCode = ensureSetUp() ? await check(process.argv.slice(2)) : 20

async function check(args) {
  const failed = CHECKS.filter(([title, program, options]) => !passes(title, program, options))
  const tests = args.includes('--no-tests') ? 0 : await runTests(args)
  for (const [title] of failed) process.stderr.write(`failed: ${title}\n`)
  return failed.length > 0 ? 1 : tests
}

function passes(title, program, options) {
  process.stderr.write(`check: ${title}\n`)
  const command = [join(root, 'node_modules', program), ...options]
  return spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' }).status === 0
}
