/**
 * Programs whose modules the build puts into few files in `dist/programs/`, as node reads hundreds of small ones for a second.
 * Not among them is what imports modules that it is told by path: it would have all of ours twice.
 */
export const BUNDLED_PROGRAMS = [
  'src/cli/main',
  'src/postgres/vault/vault-worker',
  'src/region/dns-process',
  'src/region/gateway-process',
  'src/region/global-process',
  'src/region/region-process',
]

/**
 * The compiled program beside a source module: what `fork` and `spawn` may be given.
 *
 * Tests import TypeScript sources, but a child process can only run what was compiled to `dist/`.
 *
 * @param moduleUrl  the caller's `import.meta.url`
 * @param program    a path relative to the caller, as an import names it: `./backup-worker.ts`
 */
export function entryPoint(moduleUrl: string, program: string): URL {
  const url = new URL(program, moduleUrl).href
  const compiled = url
    .replace(/\/(src|examples|bench)\/((?!.*\/dist\/).*)$/, (whole, top, rest) =>
      moduleUrl.includes('/dist/') ? whole : `/dist/${top}/${rest}`,
    )
    .replace(/\.ts$/, '.js')
  const bundled = BUNDLED_PROGRAMS.find((path) => compiled.endsWith(`/dist/${path}.js`))
  if (bundled === undefined) return new URL(compiled)
  const name = bundled.slice(bundled.lastIndexOf('/') + 1)
  return new URL(compiled.replace(`/dist/${bundled}.js`, `/dist/programs/${name}.js`))
}
