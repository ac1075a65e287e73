import { expect, test } from 'vitest'
import { COMMANDS_WITH_RIGHTS, policyOf } from './rights.ts'
import { parseWorkload } from './workload-file.ts'

const TELLING = `workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: up, sql: select 1, expect: 1, every: 5s }]
notifications:
  - { name: pager, kind: webhook, url: 'https://pager.example/', key: 'secret:shop/pager', on: [started] }
  - { name: chat, kind: slack, url: 'env:CHAT', on: [started] }
witnesses:
  - { name: monitor, key: 'secret:shop/monitor' }
`

test('who tells and is told by a key of Secrets Manager can read it, and no other secret', () => {
  const policy = policyOf(parseWorkload(TELLING), ['runbook run data-corruption'])
  const readable = policy.Statement.filter(({ Action }) =>
    Action.includes('secretsmanager:GetSecretValue'),
  )
  const arn = (name: string) => `arn:aws:secretsmanager:ap-southeast-1:*:secret:${name}-??????`
  expect(readable.flatMap(({ Resource }) => Resource)).toEqual(
    ['shop/database', 'shop/pager', 'shop/monitor'].map(arn),
  )
})

test('what only looks needs no key', () => {
  const policy = policyOf(parseWorkload(TELLING), ['status', 'backup list', 'restore'])
  expect(JSON.stringify(policy)).not.toContain('shop/pager')
  expect(COMMANDS_WITH_RIGHTS).toContain('status')
})
