import { access, readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import { nearestWord } from './nearest-word.ts'
import { durationFault, type WorkloadSource, workloadSchema } from './workload-schema.ts'

export { workloadJsonSchema } from './workload-schema.ts'

/** A workload as the rules want it. JSON, so that an execution can keep it. Holds no credentials. */
export type Workload = {
  readonly name: string
  readonly objectives: { readonly rtoSeconds: number; readonly rpoSeconds: number }
  readonly region: string
  readonly database: {
    readonly instance: string
    readonly secret: string
    readonly adminSecret: string
    /** An absolute path. */
    readonly certificates?: string
  }
  readonly checks: readonly Check[]
  readonly http?: {
    readonly url: string
    readonly method: string
    readonly body?: string
    readonly timeoutSeconds: number
  }
  /** As `schema.table`. Without it, every table. */
  readonly tables?: readonly string[]
  readonly ignore: readonly string[]
  /** Without it, only the Lifeboats of one machine know of each other. */
  readonly lock?: { readonly bucket: string; readonly region: string; readonly prefix: string }
}

export type Check = {
  readonly name: string
  readonly sql: string
  readonly expect: string | number | boolean | null
  readonly everySeconds: number
  readonly timeoutSeconds: number
}

/** @throws LifeboatError `WorkloadFileNotFound`, `WorkloadFileInvalid` naming every mistake with its place */
export async function readWorkload(path: string): Promise<Workload> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new LifeboatError('WorkloadFileNotFound', `there is no workload file '${path}'`, {
      hint: 'Name it with --workload, or write one: see schema/lifeboat.schema.json.',
      cause: error,
    })
  }
  const workload = parseWorkload(text, basename(path))
  const { certificates } = workload.database
  if (certificates === undefined) return workload
  const found = await findCertificates(resolve(dirname(path), certificates), text, basename(path))
  return { ...workload, database: { ...workload.database, certificates: found } }
}

async function findCertificates(path: string, text: string, file: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines })
    const mistake = {
      offset: offsetOf(document, ['database', 'certificates']),
      message: `database.certificates: '${path}' cannot be read`,
      hint: 'Name a PEM file, beside this one or by its whole path. AWS publishes one for each region.',
    }
    throw invalid(file, lines, [mistake])
  }
}

/**
 * @param file  the name that mistakes are reported under
 * @throws LifeboatError `WorkloadFileInvalid`; one line a mistake, in the order of the file
 */
export function parseWorkload(text: string, file = 'lifeboat.yaml'): Workload {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map((error) => ({
      offset: error.pos[0],
      message: error.message.replace(/\.$/, ''),
    }))
    throw invalid(file, lines, mistakes)
  }
  const data: unknown = document.toJS() ?? {}
  const result = workloadSchema.safeParse(data, { reportInput: true })
  const mistakes = result.success
    ? repeatedNames(document, result.data)
    : result.error.issues.flatMap((issue) => mistakesOf(document, issue))
  if (mistakes.length > 0) throw invalid(file, lines, mistakes)
  return toWorkload(result.data!)
}

interface Mistake {
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

function invalid(file: string, lines: LineCounter, mistakes: readonly Mistake[]): LifeboatError {
  const placed = mistakes
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message, hint }) => {
      const { line, col } = lines.linePos(offset)
      return { place: `${file}:${line}:${Math.max(col, 1)}`, message, hint }
    })
  const hints = placed.filter((one) => one.hint !== undefined)
  const hint =
    placed.length === 1
      ? placed[0]!.hint
      : hints.map((one) => `${one.place.slice(file.length + 1)} ${one.hint}`).join('\n')
  return new LifeboatError(
    'WorkloadFileInvalid',
    placed.map((one) => `${one.place} ${one.message}`).join('\n'),
    hint ? { hint } : {},
  )
}

function mistakesOf(document: Document, issue: z.core.$ZodIssue): Mistake[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  const where = formatPath(path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(document, path, key))
  }
  if (issue.input === undefined && issue.code !== 'custom') return [missing(document, path)]

  const offset = offsetOf(document, path)
  const fault = isDuration(path) ? durationFault(issue.input) : undefined
  if (fault) {
    return [
      { offset, message: `${where}: ${fault.message}`, ...(fault.hint && { hint: fault.hint }) },
    ]
  }
  return [{ offset, message: `${where || 'the file'}: ${wordsFor(issue)}`, ...hintFor(path) }]
}

/** `checks[0].every` */
function formatPath(path: readonly (string | number)[]): string {
  return path.join('.').replace(/\.(\d+)/g, '[$1]')
}

function unknownKey(document: Document, path: (string | number)[], key: string): Mistake {
  const known = knownKeys(path)
  const nearest = nearestWord(key, known)
  return {
    offset: keyOffset(document, path, key),
    message: `unknown key '${key}'${path.length > 0 ? ` in '${formatPath(path)}'` : ''}`,
    hint: nearest ? `Did you mean '${nearest}'?` : `Use one of ${known.join(', ')}.`,
  }
}

function missing(document: Document, path: (string | number)[]): Mistake {
  const key = path.at(-1)
  const parent = path.slice(0, -1)
  const inside = parent.length > 0 ? ` in '${formatPath(parent)}'` : ''
  const example = EXAMPLES[String(key)]
  return {
    offset: offsetOf(document, parent),
    message: `'${key}' is missing${inside}`,
    ...(example && { hint: `Add it, like ${example}` }),
  }
}

const EXAMPLES: Readonly<Record<string, string>> = {
  workload: "'workload: shop'.",
  objectives: "'objectives: { rto: 15m, rpo: 5m }'.",
  rto: "'rto: 15m'.",
  rpo: "'rpo: 5m'.",
  regions: "'regions: { primary: ap-southeast-1 }'.",
  primary: "'primary: ap-southeast-1'.",
  database: "'database: { instance: shop-db, secret: shop/database }'.",
  instance: "'instance: shop-db'.",
  secret: "'secret: shop/database'.",
  checks: 'a list of { name, sql, expect, every }.',
  sql: "'sql: select count(*) from orders where total <= 0'.",
  expect: "'expect: 0'.",
  bucket: "'lock: { bucket: shop-locks }'.",
  name: "'name: every order has a total'.",
}

function hintFor(path: readonly (string | number)[]): { hint?: string } {
  const example = EXAMPLES[String(path.at(-1))]
  return example ? { hint: `Write it like ${example}` } : {}
}

const isDuration = (path: readonly (string | number)[]) =>
  ['rto', 'rpo', 'every', 'timeout'].includes(String(path.at(-1)))

function wordsFor(issue: z.core.$ZodIssue): string {
  const seen = JSON.stringify(issue.input)?.slice(0, 60)
  if (issue.code === 'invalid_type') return `${seen} is not ${article(issue.expected)}`
  if (issue.code === 'too_small')
    return issue.origin === 'array' ? 'the list is empty' : 'it is empty'
  if (issue.code === 'invalid_value') return `${seen} is none of ${issue.values.join(', ')}`
  if (issue.code === 'invalid_union') return `${seen} is not a text, a number, true or false`
  if (issue.code === 'invalid_format' && issue.format === 'url')
    return `${seen} is not an http address`
  return issue.message
}

function article(expected: string): string {
  const words: Record<string, string> = { string: 'a text', object: 'a mapping', array: 'a list' }
  return words[expected] ?? `a ${expected}`
}

function repeatedNames(document: Document, source: WorkloadSource): Mistake[] {
  return source.checks.flatMap((check, index) => {
    const isFirst = source.checks.findIndex((other) => other.name === check.name) === index
    return isFirst
      ? []
      : [
          {
            offset: offsetOf(document, ['checks', index, 'name']),
            message: `two checks are named '${check.name}'`,
            hint: 'Give each check a name of its own.',
          },
        ]
  })
}

/** The place of the value at `path`, or of its nearest parent that is there. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function keyOffset(document: Document, path: readonly (string | number)[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  const pair = isMap(map)
    ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
    : undefined
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path)
}

/** The keys that the schema has at `path`; list positions do not matter. */
function knownKeys(path: readonly (string | number)[]): string[] {
  const parent = path.filter((part) => typeof part === 'string').join('.')
  const { checks, objectives, regions, database, http, lock } = workloadSchema.shape
  const shapes: Record<string, object> = {
    '': workloadSchema.shape,
    objectives: objectives.shape,
    regions: regions.shape,
    database: database.shape,
    checks: checks.element.shape,
    http: http.unwrap().shape,
    lock: lock.unwrap().shape,
  }
  return Object.keys(shapes[parent] ?? {})
}

function toWorkload(source: WorkloadSource): Workload {
  const { database, http, tables, lock } = source
  return {
    name: source.workload,
    objectives: {
      rtoSeconds: parseDuration(source.objectives.rto),
      rpoSeconds: parseDuration(source.objectives.rpo),
    },
    region: source.regions.primary,
    database: {
      instance: database.instance,
      secret: database.secret,
      adminSecret: database.admin ?? database.secret,
      ...(database.certificates && { certificates: database.certificates }),
    },
    checks: source.checks.map((check) => ({
      name: check.name,
      sql: check.sql,
      expect: check.expect,
      everySeconds: parseDuration(check.every),
      timeoutSeconds: parseDuration(check.timeout),
    })),
    ...(http && {
      http: {
        url: http.url,
        method: http.method,
        timeoutSeconds: parseDuration(http.timeout),
        ...(http.body !== undefined && { body: http.body }),
      },
    }),
    ...(tables && { tables: tables.map(withSchema) }),
    ignore: (source.ignore ?? []).map(withSchema),
    ...(lock && {
      lock: {
        bucket: lock.bucket,
        region: lock.region ?? source.regions.primary,
        prefix: lock.prefix ?? 'lifeboat/locks/',
      },
    }),
  }
}

const withSchema = (table: string) => (table.includes('.') ? table : `public.${table}`)
