import { type Document, isMap, isScalar, type LineCounter } from 'yaml'
import type { z } from 'zod'
import { LifeboatError } from '../core/errors.ts'
import { nearestWord } from './nearest-word.ts'
import { notificationMistakes, notificationShape } from './notifications/mistakes.ts'
import { ownStepMistakes, ownStepShapes } from './own-steps/mistakes.ts'
import { witnessMistakes } from './witnesses/mistakes.ts'
import { witness } from './witnesses/schema.ts'
import { type Mistake, offsetOf } from './workload-place.ts'
import { type WorkloadSource, workloadSchema } from './workload-schema.ts'
import { durationFault } from './workload-values.ts'

/** All mistakes of a file as one error: one line a mistake, in the order of the file. */
export function invalid(
  file: string,
  lines: LineCounter,
  mistakes: readonly Mistake[],
): LifeboatError {
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

/** What the schema has found, in our words. */
export function mistakesOf(document: Document, issue: z.core.$ZodIssue): Mistake[] {
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
  bucket: "'bucket: shop-receipts'.",
  services: 'a list of { cluster, service, tasks }.',
  publicName: "'publicName: { name: www.shop.example }'.",
  buckets: 'a list of { bucket, prefixes, replica, references }.',
  prefixes: "'prefixes: [receipts/]'.",
  replica: "'replica: { bucket: shop-receipts-dr, region: us-east-1 }'.",
  references: 'a list of { name, sql, every }.',
  name: "'name: every order has a total'.",
  notifications: 'a list of { name, kind: webhook, url, key, on, send }.',
  witnesses: 'a list of { name, key, holds }.',
  key: "'key: env:LIFEBOAT_WEBHOOK_KEY'.",
  on: "'on: [started, gate, completed, failed]'.",
  after: "'after: promote'.",
  owner: "'owner: payments team'.",
  runbook: "'runbook: region-failure'.",
  command: "'command: [./scale-queue, up]'.",
  needs: "'needs: [{ api: sqs, where: recovery, plane: data }]'.",
  server: "'server: smtp.example.com:587'.",
}

function hintFor(path: readonly (string | number)[]): { hint?: string } {
  const example = EXAMPLES[String(path.at(-1))]
  return example ? { hint: `Write it like ${example}` } : {}
}

const isDuration = (path: readonly (string | number)[]) =>
  ['rto', 'rpo', 'every', 'timeout', 'deadline'].includes(String(path.at(-1)))

function wordsFor(issue: z.core.$ZodIssue): string {
  const seen = JSON.stringify(issue.input)?.slice(0, 60)
  if (issue.code === 'invalid_type') return `${seen} is not ${article(issue.expected)}`
  if (issue.code === 'too_small')
    return issue.origin === 'array' ? 'the list is empty' : 'it is empty'
  if (issue.code === 'invalid_value') return `${seen} is none of ${issue.values.join(', ')}`
  if (issue.code === 'invalid_union' && 'options' in issue) {
    return `it is none of ${(issue.options as readonly string[]).join(', ')}`
  }
  if (issue.code === 'invalid_union') return `${seen} is not a text, a number, true or false`
  if (issue.code === 'invalid_format' && issue.format === 'url')
    return `${seen} is not an http address`
  return issue.message
}

function article(expected: string): string {
  const words: Record<string, string> = { string: 'a text', object: 'a mapping', array: 'a list' }
  return words[expected] ?? `a ${expected}`
}

/** What is well-formed and makes no sense together. */
export function contradictions(document: Document, source: WorkloadSource): Mistake[] {
  return [
    ...repeatedNames(document, source),
    ...misplacedBuckets(document, source),
    ...unreachableRecovery(document, source),
    ...notificationMistakes(document, source),
    ...witnessMistakes(document, source),
    ...ownStepMistakes(document, source),
  ]
}

/** Checks and references are told apart by their names. */
function repeatedNames(document: Document, source: WorkloadSource): Mistake[] {
  const named = [
    ...source.checks.map(({ name }, index) => ({ name, path: ['checks', index, 'name'] })),
    ...(source.buckets ?? []).flatMap(({ references = [] }, at) =>
      references.map(({ name }, index) => ({
        name,
        path: ['buckets', at, 'references', index, 'name'],
      })),
    ),
  ]
  return named
    .filter(({ name }, index) => named.findIndex((other) => other.name === name) < index)
    .map(({ name, path }) => ({
      offset: offsetOf(document, path),
      message: `two checks are named '${name}'`,
      hint: 'Give each check a name of its own.',
    }))
}

/** What stands in the recovery region needs one, and a strategy what it stands on. */
function unreachableRecovery(document: Document, source: WorkloadSource): Mistake[] {
  const { regions, database, strategy, lock } = source
  const mistakes: Mistake[] = []
  const mistake = (path: string[], message: string, hint: string) =>
    mistakes.push({ offset: offsetOf(document, path), message, hint })
  if (regions.recovery !== undefined && regions.recovery === regions.primary) {
    const hint = 'Name another region: this one may be lost.'
    mistake(['regions', 'recovery'], `the recovery region is '${regions.primary}' itself`, hint)
  }
  if (database.standby !== undefined && regions.recovery === undefined) {
    const hint = 'Add it, like regions: { primary: ap-southeast-1, recovery: us-east-1 }.'
    mistake(['database', 'standby'], `standby '${database.standby}' has no region`, hint)
  }
  const needsStandby = strategy !== undefined && strategy !== 'backup-and-restore'
  if (needsStandby && database.standby === undefined) {
    const hint = 'Add database.standby, or choose backup-and-restore.'
    mistake(['strategy'], `strategy '${strategy}' needs a standby of the database`, hint)
  }
  if (lock?.region === regions.primary && regions.recovery !== undefined) {
    const hint = `Put it in a third region, or in '${regions.recovery}'.`
    const message = `the lock is in '${regions.primary}': with that lost no failover could begin`
    mistake(['lock', 'region'], message, hint)
  }
  return mistakes
}

function misplacedBuckets(document: Document, { regions, buckets = [] }: WorkloadSource) {
  const mistakes: Mistake[] = []
  const mistake = (path: (string | number)[], message: string, hint: string) =>
    mistakes.push({ offset: offsetOf(document, path), message, hint })
  buckets.forEach(({ bucket, prefixes = [], replica }, index) => {
    const at = ['buckets', index]
    if (buckets.findIndex((other) => other.bucket === bucket) < index) {
      const hint = 'Write each bucket once, with all of its prefixes.'
      mistake([...at, 'bucket'], `bucket '${bucket}' is named twice`, hint)
    }
    prefixes.forEach((prefix, place) => {
      const covering = prefixes.find((other, i) => i !== place && prefix.startsWith(other))
      if (covering === undefined) return
      const hint = 'Leave the longer one away.'
      const message = `'${prefix}' is part of '${covering}'`
      mistake([...at, 'prefixes', place], message, hint)
    })
    const region = replica?.region ?? regions.recovery
    if (replica && region === undefined) {
      const hint = 'Add it here, or as regions.recovery.'
      mistake([...at, 'replica'], `replica '${replica.bucket}' has no region`, hint)
    }
    if (replica && region === regions.primary) {
      const hint = 'Replicate to another region: this one may be lost.'
      mistake([...at, 'replica'], `replica '${replica.bucket}' is in the same region`, hint)
    }
  })
  return mistakes
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
  const { checks, objectives, regions, database, http, lock, buckets } = workloadSchema.shape
  const { services, publicName, contacts } = workloadSchema.shape
  const bucket = buckets.unwrap().element.shape
  const shapes: Record<string, object> = {
    '': workloadSchema.shape,
    objectives: objectives.shape,
    regions: regions.shape,
    database: database.shape,
    checks: checks.element.shape,
    http: http.unwrap().shape,
    lock: lock.unwrap().shape,
    buckets: bucket,
    services: services.unwrap().element.shape,
    publicName: publicName.unwrap().shape,
    contacts: contacts.unwrap().element.shape,
    'buckets.replica': bucket.replica.unwrap().shape,
    'buckets.references': bucket.references.unwrap().element.shape,
    notifications: notificationShape,
    witnesses: witness.shape,
    ...ownStepShapes,
  }
  return Object.keys(shapes[parent] ?? {})
}
