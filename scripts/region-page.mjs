// Writes docs/embedded-regions.md from the sources: every action that a region answers, and every difference from AWS that is
// marked. A test fails when it is stale.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(import.meta.dirname, '..')
const page = join(root, 'docs', 'embedded-regions.md')

/** Folder of a service, file of its model, and its name. */
const SERVICES = [
  ['rds', 'rds', 'Amazon RDS'],
  ['s3', 's3', 'Amazon S3'],
  ['s3control', 's3-control', 'Amazon S3 Control'],
  ['route53', 'route-53', 'Amazon Route 53'],
  ['ecs', 'ecs', 'Amazon ECS'],
  ['lambda', 'lambda', 'AWS Lambda'],
  ['secretsmanager', 'secrets-manager', 'AWS Secrets Manager'],
  ['kms', 'kms', 'AWS KMS'],
  ['cloudwatch', 'cloudwatch', 'Amazon CloudWatch'],
  ['sns', 'sns', 'Amazon SNS'],
  ['iam', 'iam', 'AWS IAM'],
  ['sts', 'sts', 'AWS STS'],
]

/** The page's text. Needs the compiled sources. @throws Error for a service without actions, and for one that is not listed */
export async function regionPage() {
  const sources = readSources()
  const sections = []
  for (const [folder, model, title] of SERVICES) {
    const own = sources.filter(({ path }) => path.startsWith(`region/${folder}/`))
    const exported = await import(`../dist/src/region/protocol/models/${model}.js`)
    const known = Object.values(exported).find((one) => one.operationByName)
    const actions = actionsIn(own, known)
    if (actions.length === 0) throw new Error(`no action of ${folder} was found`)
    const share = `${actions.length} of ${known.operationByName.size} actions:`
    sections.push([`## ${title}`, `${share} ${actions.join(', ')}.`, ...list(own)].join('\n\n'))
  }
  const isOfService = ({ path }) => SERVICES.some(([name]) => path.startsWith(`region/${name}/`))
  const others = sources.filter((source) => !isOfService(source))
  sections.push(['## All services', ...list(others)].join('\n\n'))
  return `${INTRODUCTION}\n\n${sections.join('\n\n')}\n`
}

const INTRODUCTION = `# What embedded regions do, and where they differ from AWS

This page is made from the sources by \`node scripts/region-page.mjs\`. An action that is not listed is answered with
\`UnsupportedOperation\`. Each note begins with the part of a service that it is about, and says what differs from AWS.`

function readSources() {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, 'src', path), 'utf8') }))
}

/** An action is a key of a service's table, or the operation of a bucket's setting; and its model knows it. */
function actionsIn(sources, { operationByName }) {
  const tables = sources.filter(({ path }) =>
    /^region\/\w+\/(service|actions\/bucket-settings)\.ts$/.test(path),
  )
  const names = tables.flatMap(({ text }) => [
    ...[...text.matchAll(/^\s+([A-Z]\w+)(?::|,$)/gm)].map(([, name]) => name),
    ...[...text.matchAll(/\boperation: '(\w+)'/g)].map(([, name]) => name),
  ])
  return [...new Set(names)].filter((name) => operationByName.has(name)).sort()
}

function list(sources) {
  const notes = sources.flatMap(({ path, text }) =>
    notesIn(text).map((note) => `- *${subjectOf(path)}*: ${note}`),
  )
  return notes.length > 0 ? [notes.join('\n')] : []
}

/** What a file is about: `create-db-instance.ts` is CreateDBInstance to a reader, all else is its name in words. */
function subjectOf(path) {
  return path
    .slice(path.lastIndexOf('/') + 1, -'.ts'.length)
    .split('-')
    .map((word) => ACRONYMS.get(word) ?? word)
    .join(' ')
    .replace(/^[a-z]/, (letter) => letter.toUpperCase())
}

const ACRONYMS = new Map(
  ['ACL', 'API', 'AWS', 'DB', 'DNS', 'ECS', 'IAM', 'KMS', 'RDS', 'S3', 'SNS'].map((word) => [
    word.toLowerCase(),
    word,
  ]),
)

/** Each is all that a comment says from the mark to the end of its paragraph, without its source. */
function notesIn(text) {
  return commentsIn(text).flatMap((comment) => {
    const [, ...notes] = comment.split(/Unlike AWS(?=[:,])/)
    return notes.map((note) => {
      const isAside = note.startsWith(',')
      const said = note
        .slice(1)
        .replace(/\s*Source:.*$/, '')
        .trim()
      const whole = isAside ? `Unlike AWS, ${said}` : said
      return whole.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replace(/[^.]$/, '$&.')
    })
  })
}

/** The paragraphs of all comments, each on one line, without the marks of a comment. */
function commentsIn(text) {
  const blocks = [...text.matchAll(/\/\*\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+/gm)]
  return blocks.flatMap(([block]) =>
    block
      .replace(/^[ \t]*(\/\*\*|\*\/|\*(?!\/)|\/\/)[ \t]?/gm, '')
      .replace(/\s*\*\/$/, '')
      .split(/\n\s*\n|\n(?=@)/)
      .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim()),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' })
  mkdirSync(join(root, 'docs'), { recursive: true })
  writeFileSync(page, await regionPage())
}
