/**
 * The break-glass bundle: a folder with which a person fails over by hand on the day when Lifeboat, its server and its state are
 * gone with the region. Its lines are those that the steps of the runbook own, filled in while all was well.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { changeBatch } from '../../aws/route53.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Runbook, Step } from '../../runbook/runbook.ts'
import { ledAway } from '../failover-records.ts'
import { PRINT_GRANTS, REVOKE_ALL } from '../grants.ts'
import {
  type FailoverFacts,
  FENCE_FILES,
  RECORDS_AWAY,
  RECORDS_HOME,
} from '../runbooks/region-failure/by-hand.ts'
import type { DatabaseSource } from '../runbooks/region-failure/database-sources.ts'
import type { Foreseen } from './foresee.ts'
import { readme } from './readme.ts'

/** Programs of the bundle, as they are. */
const PROGRAMS: readonly string[] = ['run.sh', 'functions.sh']

/**
 * Writes the bundle of a runbook to a folder, over one that was written before.
 *
 * @returns the names of its files
 * @throws LifeboatError `InvalidUsage` for a runbook whose steps have no lines
 */
export async function writeBundle(
  folder: string,
  plan: Runbook,
  foreseen: Foreseen,
): Promise<string[]> {
  const files = await wholeBundle(plan, foreseen)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, text] of files) {
    await writeFile(join(folder, name), text, { mode: PROGRAMS.includes(name) ? 0o700 : 0o600 })
  }
  const { certificates } = foreseen.workload.database
  if (certificates) await copyFile(certificates, join(folder, 'certificates.pem'))
  return [...files.keys(), ...(certificates ? ['certificates.pem'] : [])]
}

/** Every file that Lifeboat writes, by name: the same from the same facts. @throws LifeboatError as `writeBundle` */
export async function wholeBundle(plan: Runbook, foreseen: Foreseen): Promise<Map<string, string>> {
  const files = bundleFiles(plan, foreseen)
  for (const name of PROGRAMS) {
    files.set(name, await readFile(fileURLToPath(new URL(name, import.meta.url)), 'utf8'))
  }
  return files
}

/** The files that are made from facts, by name. None holds a credential. */
export function bundleFiles(plan: Runbook, foreseen: Foreseen): Map<string, string> {
  const { sources, records, workload } = foreseen
  const mute = plan.steps.find(({ byHand }) => byHand === undefined)
  if (mute) {
    throw new LifeboatError(
      'InvalidUsage',
      `'${plan.name}' cannot be exported: nobody has written down how '${mute.name}' is done by hand`,
      { hint: 'Export region-failure.' },
    )
  }
  const why = `${workload.name} is served by the recovery region`
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  return new Map([
    ['README.md', readme(plan, foreseen)],
    ['ways.txt', sources.map(({ kind }) => `# way: ${kind}\n`).join('')],
    ...sources.map((source) => [commandsFile(source), commands(plan, foreseen, source)] as const),
    [FENCE_FILES.list, PRINT_GRANTS],
    [FENCE_FILES.fence, REVOKE_ALL],
    ...(records
      ? ([
          [RECORDS_AWAY, json(changeBatch([ledAway(records)], why))],
          [RECORDS_HOME, json(changeBatch([records.home], `${workload.name} is home`))],
        ] as const)
      : []),
  ])
}

export const commandsFile = ({ kind }: Pick<DatabaseSource, 'kind'>) => `commands-${kind}.sh`

function commands(plan: Runbook, foreseen: Foreseen, source: DatabaseSource): string {
  const { workload, madeAt } = foreseen
  const head = [
    `# ${workload.name}: ${plan.title.toLowerCase()}, its database from ${WAYS[source.kind]}.`,
    `# Made at ${madeAt.toISOString()}. To be pasted line by line into bash, in this folder; README.md says why.`,
    '# "do" acts. "check" has to say ok before you go on. "try" may fail or time out: go on.',
    '. ./functions.sh',
  ]
  return `${[...head, ...plan.steps.flatMap((step) => stepLines(step, { ...foreseen, source }))].join('\n')}\n`
}

function stepLines({ name, title, gate, byHand }: Step, facts: FailoverFacts): string[] {
  const lines = byHand?.(facts as never) ?? []
  return [
    '',
    `# step: ${name} — ${title}`,
    ...(gate && gate.kind !== 'manual' ? [`# gate: ${GATES[gate.kind]}`] : []),
    ...lines.flatMap(({ kind, what, line }) => [`# ${kind}: ${what}`, line]),
    ...(gate?.kind === 'manual' ? [`# gate: ${GATES.manual}`] : []),
  ]
}

export const WAYS = {
  replica: 'the replica',
  'replicated-backups': 'replicated backups',
  snapshot: 'the snapshot that was copied',
} as const

const GATES = {
  harm: 'Customers feel what follows. Has somebody who may decide it decided to fail over?',
  oneWay: 'There is no way back after this. Is the loss that was shown accepted?',
  manual: 'Only a person can do what follows. Is it done?',
} as const
