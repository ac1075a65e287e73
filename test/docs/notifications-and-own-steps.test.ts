import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseWorkload } from '../../src/recovery/workload-file.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'notifications-and-own-steps.md'), 'utf8')
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1]!)

test('the examples are parts of a workload file, and keep what the text says of defaults', () => {
  const shop = readFileSync(join(root, 'examples', 'shop', 'lifeboat.yaml'), 'utf8')
  const example = shop.replace(/(primary: [a-z0-9-]+)/, '$1, recovery: eu-central-1')
  const {
    notifications = [],
    steps = [],
    witnesses,
  } = parseWorkload([example, ...blocks].join('\n'))
  expect(notifications.map(({ kind, send }) => [kind, send])).toEqual([
    ['webhook', 'automatic'],
    ['slack', 'on-approval'],
    ['email', 'on-approval'],
  ])
  expect(notifications.map(({ timeoutSeconds }) => timeoutSeconds)).toEqual([10, 10, 20])
  expect(witnesses).toEqual([{ name: 'pingdom', key: 'env:PINGDOM_KEY', holdsSeconds: 180 }])
  expect(steps[2]?.does).toMatchObject({ kind: 'lambda', region: 'recovery' })
  expect(steps.map(({ name, isIdempotent }) => [name, isIdempotent])).toEqual([
    ['scale-workers', true],
    ['warm-cache', false],
    ['drain-queue', false],
  ])
})
