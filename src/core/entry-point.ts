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
  return new URL(
    url
      .replace(/\/(src|examples|bench)\/((?!.*\/dist\/).*)$/, (whole, top, rest) =>
        moduleUrl.includes('/dist/') ? whole : `/dist/${top}/${rest}`,
      )
      .replace(/\.ts$/, '.js'),
  )
}
