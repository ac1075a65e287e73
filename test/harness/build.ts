import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Child processes that tests start run from `dist/`, so it must match the sources. */
export default function build() {
  const root = join(import.meta.dirname, '..', '..')
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' })
}
