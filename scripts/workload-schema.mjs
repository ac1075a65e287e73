// Writes schema/lifeboat.schema.json from the schema in the code. A test fails when it is stale.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' })
const { workloadJsonSchema } = await import('../dist/src/recovery/workload-file.js')
mkdirSync(join(root, 'schema'), { recursive: true })
writeFileSync(
  join(root, 'schema', 'lifeboat.schema.json'),
  `${JSON.stringify(workloadJsonSchema(), null, 2)}\n`,
)
