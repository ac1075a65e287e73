// Makes a checkout ready to run: installs the dependencies and compiles the sources when they are
// missing or stale. Quiet when there is nothing to do; progress goes to stderr, stdout stays clean.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stamp = join(root, 'dist', '.built')

/** A reason that an operator can act on; printed as one line. */
class SetUpError extends Error {}

/** Returns whether the checkout is ready; says why on stderr when it is not. */
export function ensureSetUp() {
  try {
    if (!isReady()) whileLocked(makeReady)
    return true
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error
    process.stderr.write(`error: ${error.message}\n`)
    return false
  }
}

function makeReady() {
  installDependencies()
  compile()
}

function isReady() {
  return hasDependencies() && isCompiled()
}

/** Compares contents, because a checkout gives every file the time of the checkout. */
function hasDependencies() {
  const installed = join(modules, '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const present = packagesOf(installed)
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = present[path]
    return found ? found.version === entry.version : entry.optional === true || entry.peer === true
  })
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}

function installDependencies() {
  if (hasDependencies()) return
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) {
    throw new SetUpError(`${modules} is a link whose target does not match package-lock.json`)
  }
  mustBeWritable(root)
  say('installing the dependencies (once)')
  const { command, args, cleanUp } = npm()
  try {
    const { status, signal, error } = spawnSync(
      command,
      [...args, 'ci', '--include=dev', '--include=optional', '--loglevel=error', '--no-progress'],
      { cwd: root, stdio: ['ignore', 2, 2] },
    )
    if (signal) process.kill(process.pid, signal)
    if (error) throw new SetUpError(`npm could not be started: ${error.message}`)
    if (status !== 0)
      throw new SetUpError('the dependencies could not be installed; npm says why above')
  } finally {
    cleanUp()
  }
}

/** npm as it was started, or the one on the PATH; with a cache of its own where its usual one is not writable. */
function npm() {
  const started = process.env.npm_execpath
  const [command, ...args] =
    started && /npm-cli\.(c|m)?js$/.test(started) ? [process.execPath, started] : ['npm']
  const usual = process.env.npm_config_cache ?? join(homedir(), '.npm')
  if (isWritableCache(usual)) return { command, args, cleanUp: () => {} }
  const cache = mkdtempSync(join(tmpdir(), 'lifeboat-npm-'))
  return {
    command,
    args: [...args, '--cache', cache],
    cleanUp: () => rmSync(cache, { recursive: true, force: true }),
  }
}

function isWritableCache(folder) {
  const places = ['_cacache', join('_cacache', 'tmp'), join('_cacache', 'content-v2'), '_logs']
  try {
    mkdirSync(folder, { recursive: true })
    for (const place of ['', ...places]) {
      if (existsSync(join(folder, place))) accessSync(join(folder, place), constants.W_OK)
    }
    return true
  } catch (error) {
    if (typeof error.code === 'string') return false
    throw error
  }
}

function isCompiled() {
  if (!existsSync(stamp) || !existsSync(join(root, 'dist', 'programs', 'main.js'))) return false
  const builtAt = statSync(stamp).mtimeMs
  const sources = ['src', 'examples', 'bench']
  const inputs = [
    'tsconfig.json',
    'package.json',
    ...sources,
    'scripts/build.mjs',
    'scripts/bundle.mjs',
  ]
  return inputs.every((input) => newestIn(join(root, input)) <= builtAt)
}

/** The latest change under `path`, in ms; a removed or renamed file changes its folder. */
function newestIn(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestIn(join(path, name))),
    stats.mtimeMs,
  )
}

function compile() {
  if (isCompiled()) return
  mustBeWritable(root)
  say('compiling')
  try {
    execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    })
  } catch (error) {
    if (error.signal) process.kill(process.pid, error.signal)
    throw new SetUpError('the sources do not compile; the compiler says why above')
  }
}

function mustBeWritable(folder) {
  try {
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const { username } = userInfo()
    throw new SetUpError(
      `'${folder}' has to be set up first, and ${username} may not write there`,
      {
        cause: error,
      },
    )
  }
}

/** Two commands started at once must not install on top of each other: the second waits. */
function whileLocked(work) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const lock = join(tmpdir(), `lifeboat-set-up-${process.getuid()}-${name}`)
  while (!takeLock(lock)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
  try {
    work()
  } finally {
    unlinkSync(lock)
  }
}

function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!isHeld(lock)) rmSync(lock, { force: true })
    return false
  }
}

/** A holder that was killed leaves its file behind; an empty file is one that is being written. */
function isHeld(lock) {
  const stats = statSync(lock, { throwIfNoEntry: false })
  if (!stats) return true
  const pid = Number(readFileSync(lock, 'utf8'))
  return pid === 0 ? Date.now() - stats.mtimeMs < 5_000 : existsSync(`/proc/${pid}`)
}

function say(what) {
  process.stderr.write(`lifeboat: ${what}\n`)
}
