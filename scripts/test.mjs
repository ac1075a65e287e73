// npm test [vitest's arguments]
import { runTests } from './run-tests.mjs'

process.exitCode = await runTests(process.argv.slice(2))
