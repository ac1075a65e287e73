import { expect, test } from 'vitest'
import { insertStatement, updateStatement } from './salvage-files.ts'
import type { Table } from './tables.ts'

const column = (name: string, more = {}) => ({
  name,
  type: 'text',
  isGenerated: false,
  isAlwaysIdentity: false,
  ...more,
})
const table: Table = {
  name: 'public.Odd "Name"',
  sql: '"public"."Odd ""Name"""',
  columns: [
    column('id', { isAlwaysIdentity: true }),
    column('a b'),
    column('twice', { isGenerated: true }),
  ],
  primaryKey: ['id'],
}

test('names and values are quoted; computed columns are left out', () => {
  const rows = [
    ['1', `it's`, '2'],
    ['2', 'back\\slash', '4'],
    ['3', null, null],
    ['4', 'line\nbreak; DROP TABLE x; --', ''],
  ]
  expect(insertStatement(table, rows)).toBe(
    `INSERT INTO "public"."Odd ""Name""" ("id", "a b") OVERRIDING SYSTEM VALUE VALUES
('1', 'it''s'),
('2', E'back\\\\slash'),
('3', NULL),
('4', 'line\nbreak; DROP TABLE x; --')
ON CONFLICT ("id") DO NOTHING;`,
  )
})

test('a conflict writes what differs, if the restored row is still what it was', () => {
  expect(updateStatement(table, ['1', 'new', '2'], ['1', null, '1'])).toBe(
    `UPDATE "public"."Odd ""Name""" SET "a b" = 'new' WHERE "id" = '1' AND "a b" IS NOT DISTINCT FROM NULL;`,
  )
})
