import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { promoteByHand } from '../../src/recovery/runbooks/region-failure/promote.ts'
import { regionFailure } from '../../src/recovery/runbooks/region-failure.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import { lifeboat } from '../cli/lifeboat.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'break-glass.md'), 'utf8')
const example = readFileSync(join(root, 'examples', 'shop', 'two-regions.yaml'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text!,
  )

test('the command of the page is one that the program takes', async () => {
  const [command] = blocks('sh')
  const words = command!.trim().split(' ').slice(1)
  const { code, stdout } = await lifeboat([...words.slice(0, 2), '--help'])
  expect(code).toBe(0)
  for (const option of words.filter((word) => word.startsWith('--')))
    expect(stdout).toContain(option)
})

test('the contacts of the page belong into a workload file', () => {
  const { contacts } = parseWorkload(`${example}${blocks('yaml')[0]}`)
  expect(contacts?.map(({ name }) => name)).toEqual(['Ada', 'whoever is on call'])
})

test('the lines of the page are those of the step', () => {
  const lines = promoteByHand({
    ...{ workload: parseWorkload(example), region: 'us-east-1', services: [], records: null },
    primary: { host: '127.0.0.1', port: 5432 },
    source: {
      ...{ kind: 'replica', instance: 'shop-db-standby', position: '0/0', newestCommitAt: null },
      endpoint: { host: '127.0.0.1', port: 5433 },
    },
  })
  const shown = lines.slice(0, 3).flatMap(({ kind, what, line }) => [`# ${kind}: ${what}`, line])
  const { title } = regionFailure.steps.find(({ name }) => name === 'promote')!
  const [, block] = blocks('sh')
  const [step, gate, ...rest] = block!.trimEnd().split('\n')
  expect(step).toBe(`# step: promote — ${title}`)
  expect(gate).toMatch(/^# gate: /)
  expect(rest).toEqual(shown)
})

test('every option of run.sh is on the page, and every file', () => {
  const folder = join(root, 'src', 'recovery', 'break-glass')
  const program = readFileSync(join(folder, 'run.sh'), 'utf8')
  for (const [option] of program.matchAll(/--[a-z-]{3,}(?= {2,})/g)) expect(page).toContain(option)
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.sh'))) {
    expect(page).toContain(`\`${name}\``)
  }
})
