import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSetUp } from './set-up.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs vitest once with `args`; resolves to the exit code. */
export async function runTests(args) {
  if (!ensureSetUp()) return 20
  return exitOf([
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...(args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']),
    `--reporter=${join(root, 'scripts', 'summary-reporter.mjs')}`,
    ...args,
  ])
}

/** The child shares our terminal, so Ctrl-C reaches it directly; we wait for it to clean up. */
function exitOf(command) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}
