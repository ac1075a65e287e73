// npm run check: all that CI runs before the demo. Goes on after a failure, so that one run tells all.
import { createRequire } from 'node:module'

const unmetRequirement = createRequire(import.meta.url)('../bin/requirements.js')
const problem = unmetRequirement()
if (problem) {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = 20
} else {
  import('./run-checks.mjs')
    .then(({ runChecks }) => runChecks(process.argv.slice(2)))
    .then((code) => {
      process.exitCode = code
    })
}
