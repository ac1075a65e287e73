import { afterAll, beforeAll } from 'vitest'
import { entryPoint } from '../../src/core/entry-point.ts'
import { describeRunbook } from '../../src/runbook/crash-tests.ts'
import { sampleRunbook, world } from '../../src/runbook/sample-runbook.ts'
import { type StatePostgres, startStatePostgres } from './state-postgres.ts'

let postgres: StatePostgres
beforeAll(async () => {
  postgres = await startStatePostgres()
})
afterAll(() => postgres.stop())

describeRunbook(sampleRunbook, {
  world,
  module: entryPoint(import.meta.url, '../../src/runbook/sample-runbook.ts'),
  databaseUrl: () => postgres.url,
})
