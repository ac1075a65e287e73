// Compiles the sources to dist/, and bundles the programs among them. Safe to call again; incremental.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const startedAt = new Date()

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
if (status !== 0) process.exit(1)

// Files that the compiler does not know but programs read at run time.
for (const top of ['src', 'examples', 'bench']) {
  if (!existsSync(join(root, top))) continue
  for (const path of readdirSync(join(root, top), { recursive: true })) {
    if (!/\.(wasm|sql|sh|yaml|pem|json)$/.test(path)) continue
    const to = join(root, 'dist', top, path)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(root, top, path), to)
  }
}

await bundle()

// What bin/lifeboat compares the sources with; dated before the compiler read them.
const stamp = join(root, 'dist', '.built')
writeFileSync(stamp, '')
utimesSync(stamp, startedAt, startedAt)
