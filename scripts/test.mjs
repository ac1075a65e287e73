// npm test: sets the checkout up, runs vitest with the arguments given, and ends with one plain line
// of counts. The exit code is vitest's.
import { createRequire } from 'node:module'

const unmetRequirement = createRequire(import.meta.url)('../bin/requirements.js')
const problem = unmetRequirement()
if (problem) {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = 20
} else {
  import('./run-tests.mjs')
    .then(({ runTests }) => runTests(process.argv.slice(2)))
    .then((code) => {
      process.exitCode = code
    })
}
