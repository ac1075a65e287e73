import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'embedded-regions.md'), 'utf8')
const notes = page.split('\n').filter((line) => line.startsWith('- '))

test('the page of the embedded regions is that of the sources', async () => {
  const { regionPage } = await import(join(root, 'scripts', 'region-page.mjs'))
  expect(page, 'stale: run node scripts/region-page.mjs').toBe(await regionPage())
})

test('no mark is left out, and each note is a whole sentence', () => {
  const marks = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .flatMap((path) => readFileSync(join(root, 'src', path), 'utf8').match(/Unlike AWS[:,]/g) ?? [])
  expect(marks.length).toBeGreaterThan(50)
  expect(notes).toHaveLength(marks.length)
  for (const note of notes) expect(note).toMatch(/^- \*[^*]+\*: ([A-Z]|`|\d).{10,}\.$/)
})

test('each service has the actions that its clients begin with', () => {
  const sections = page.split('\n## ')
  const listed = (title: string) => sections.find((one) => one.startsWith(`${title}\n`)) ?? ''
  for (const [title, actions] of [
    ['Amazon RDS', ['CreateDBInstance', 'PromoteReadReplica']],
    ['Amazon S3', ['PutObject', 'PutBucketReplication', 'DeleteBucketPolicy']],
    ['Amazon S3 Control', ['CreateJob']],
    ['Amazon Route 53', ['ChangeResourceRecordSets']],
    ['Amazon ECS', ['RunTask', 'TagResource']],
    ['Amazon SNS', ['Subscribe']],
    ['AWS IAM', ['CreateRole', 'CreateUser', 'CreatePolicy']],
  ] as const) {
    for (const action of actions) expect(listed(title)).toMatch(new RegExp(`[ ,]${action}[,.]`))
  }
})
