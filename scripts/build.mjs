// Compiles the sources to dist/. Safe to call from several processes at once: the last rename wins.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { cwd: root, stdio: ['ignore', 2, 2] })

// Files that the compiler does not know but programs read at run time.
for (const top of ['src', 'examples', 'bench']) {
  if (!existsSync(join(root, top))) continue
  for (const path of readdirSync(join(root, top), { recursive: true })) {
    if (!/\.(wasm|sql|yaml|pem|json)$/.test(path)) continue
    const to = join(root, 'dist', top, path)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(root, top, path), to)
  }
}
