import { lstat, readFile } from 'node:fs/promises'
import { isAbsolute } from 'node:path'

/**
 * What an image stands for on this machine: a program that its owner lets tasks run.
 *
 * Unlike AWS: nothing is pulled. `images.json` in the home maps names of images to programs, and a task can run nothing else.
 */
export interface Image {
  /** The program, absolute, and arguments that always come first. */
  readonly entryPoint: readonly string[]
  /** The arguments behind those, unless a task definition gives others. */
  readonly command: readonly string[]
  readonly workingDirectory: string
  readonly environment: Readonly<Record<string, string>>
  /** Whether a task definition may give other arguments. */
  readonly allowCommand: boolean
  /** The variables that a task definition may set: names, or beginnings of names that end in `*`. */
  readonly allowEnvironment: readonly string[]
  /** The health checks that a task definition may ask for, word for word. */
  readonly allowHealthChecks: readonly (readonly string[])[]
  /** Whether a task definition may choose all of it, the program too. */
  readonly unrestricted: boolean
  /** Whether its processes run as the account of the region, also when that is root; else as an unprivileged one then. */
  readonly asOwner: boolean
}

/** Why there is no image: a message for the one who asked for the task, which names no path. */
export class NoImage extends Error {}

const MAX_FILE_BYTES = 1024 * 1024

/**
 * Finds an image in the file, which is read anew each time, as a registry is asked for each task.
 *
 * @throws NoImage when the file does not have it, is not of the right form, or may be written by other accounts
 */
export async function findImage(file: string, name: string): Promise<Image> {
  const text = await readTrusted(file)
  const images = parseJson(text)
  const found = isObject(images) && Object.hasOwn(images, name) ? images[name] : undefined
  if (found === undefined) {
    throw new NoImage(`image '${name}' is not in images.json of this Lifeboat home`)
  }
  return parseImage(name, found)
}

async function readTrusted(file: string): Promise<string> {
  try {
    const { mode, uid, size } = await lstat(file)
    const isOurs = uid === process.getuid?.() || uid === 0
    if (!isOurs || (mode & 0o022) !== 0) {
      throw new NoImage('images.json may be written by other accounts: take that right away first')
    }
    if (size > MAX_FILE_BYTES) throw new NoImage('images.json is too large')
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new NoImage('this Lifeboat home has no images.json, which says what tasks may run')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new NoImage(`images.json is not JSON: ${error.message}`)
    throw error
  }
}

const FIELDS: readonly (keyof Image)[] = [
  'entryPoint',
  'command',
  'workingDirectory',
  'environment',
  'allowCommand',
  'allowEnvironment',
  'allowHealthChecks',
  'unrestricted',
  'asOwner',
]

/** @throws NoImage naming the member that is wrong */
export function parseImage(name: string, value: unknown): Image {
  const wrong = (what: string) => new NoImage(`image '${name}' in images.json: ${what}`)
  if (!isObject(value)) throw wrong('it is no object')
  const unknown = Object.keys(value).find((key) => !FIELDS.includes(key as keyof Image))
  if (unknown !== undefined) throw wrong(`'${unknown}' is not known`)
  const strings = (field: string): string[] => {
    const held = value[field] ?? []
    if (Array.isArray(held) && held.every(isText)) return held
    throw wrong(`'${field}' is no list of strings`)
  }
  const flag = (field: string): boolean => {
    const held = value[field] ?? false
    if (typeof held === 'boolean') return held
    throw wrong(`'${field}' is neither true nor false`)
  }
  const { workingDirectory = '/', environment = {}, allowHealthChecks = [] } = value
  if (!isText(workingDirectory) || !isAbsolute(workingDirectory)) {
    throw wrong("'workingDirectory' is no absolute path")
  }
  if (!isObject(environment) || !Object.values(environment).every(isText)) {
    throw wrong("'environment' does not give each variable a string")
  }
  const isList = Array.isArray(allowHealthChecks)
  if (!isList || !allowHealthChecks.every((check) => Array.isArray(check) && check.every(isText))) {
    throw wrong("'allowHealthChecks' is no list of lists of strings")
  }
  const image: Image = {
    entryPoint: strings('entryPoint'),
    command: strings('command'),
    workingDirectory,
    environment: environment as Record<string, string>,
    allowCommand: flag('allowCommand'),
    allowEnvironment: strings('allowEnvironment'),
    allowHealthChecks,
    unrestricted: flag('unrestricted'),
    asOwner: flag('asOwner'),
  }
  const [program] = image.entryPoint
  if (program === undefined && !image.unrestricted) throw wrong("it has no 'entryPoint'")
  if (program !== undefined && !isAbsolute(program)) {
    throw wrong("'entryPoint' does not begin with an absolute path")
  }
  return image
}

/** Whether a variable may be set by a task definition. */
export function allowsVariable(image: Image, name: string): boolean {
  return (
    image.unrestricted ||
    image.allowEnvironment.some((allowed) =>
      allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
    )
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
