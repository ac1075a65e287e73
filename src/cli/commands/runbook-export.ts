import { resolve } from 'node:path'
import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { findRunbook } from '../runbook-view.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

interface ExportOptions extends WorkloadOption {
  readonly to?: string
}

/** `lifeboat runbook export`: the runbook for the day when Lifeboat is gone, too. */
export function exportCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('export'))
    .description('write the break-glass bundle: the runbook as lines for bash, aws and psql')
    .argument('<name>')
    .option('--to <folder>', 'where to; default: break-glass-WORKLOAD in this folder')
    .action(
      action(around, async (invocation, options: ExportOptions, name = '') => {
        const { foresee, planOf, rememberBundle, RUNBOOKS, writeBundle } = await import(
          '../../recovery/recovery.ts'
        )
        const { withExecutive } = await import('../executive.ts')
        const { withRegion } = await import('../workload-region.ts')
        const runbook = findRunbook(RUNBOOKS, name)
        await withRegion(invocation, options, async ({ workload, region, reach }) => {
          const folder = resolve(options.to ?? `break-glass-${workload.name}`)
          const foreseen = await foresee({ region, reach, clock: invocation.clock }, workload)
          const plan = planOf(runbook, { workload })
          const files = await writeBundle(folder, plan, foreseen)
          const forgotten = await failureOf(
            withExecutive(invocation, { isLong: false }, ({ database }) =>
              rememberBundle(database, folder, plan, foreseen),
            ),
          )
          const { world, madeAt, sources } = foreseen
          const ways = sources.map(({ kind }) => kind)
          const text = [
            `${folder}: ${files.length} files; the database from ${ways.join(', else ')}`,
            `keep it where it can be read when ${workload.region} is lost; README.md says how it is used`,
            ...(forgotten
              ? [`? lifeboat status will not say when it is out of date: ${forgotten.message}`]
              : []),
          ].join('\n')
          const isRemembered = forgotten === undefined
          invocation.output.result({ folder, files, ways, world, madeAt, isRemembered }, text)
        })
      }),
    )
  return withExitCodes(command, [
    ...([
      'InvalidUsage',
      'WorkloadFileInvalid',
      'WorkloadFileNotFound',
      'RunbookNotFound',
    ] as const),
    ...(['RecoveryRegionNotReady', 'RegionUnreachable', 'FolderNotUsable'] as const),
  ])
}

/** The bundle is worth having without Lifeboat's own state, on the day above all. */
async function failureOf(work: Promise<void>): Promise<LifeboatError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof LifeboatError) return error
    throw error
  }
}
