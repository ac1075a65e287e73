import { Command } from 'commander'
import { systemRandom } from '../../core/random.ts'
import type { Backups } from '../../recovery/backups.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { LiveLine } from '../live-line.ts'
import { table } from '../output.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

/** `lifeboat backup …`: what the workload's database can be restored from. */
export function backupCommand(around: Surroundings): Command {
  return new Command('backup')
    .description("what the workload's database can be restored from")
    .addCommand(createCommand(around))
    .addCommand(listCommand(around))
    .addCommand(verifyCommand(around))
}

function createCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('create'))
    .description('take a DB snapshot and wait until it is available')
    .option('--name <identifier>', 'of the snapshot (default: the instance and the time)')
    .action(
      action(around, async (invocation, options: WorkloadOption & { name?: string }) => {
        const { output, clock, signal } = invocation
        const { withRegion } = await import('../workload-region.ts')
        const { createBackup } = await import('../../recovery/backups.ts')
        const live = new LiveLine(output, clock)
        const snapshot = await withRegion(invocation, options, ({ workload, region }) =>
          createBackup({
            workload,
            region,
            clock,
            signal,
            onProgress: (message, fraction) => live.show(message, fraction),
            ...(options.name && { name: options.name }),
          }),
        ).finally(() => live.clear())
        output.result(snapshot, `DB snapshot ${snapshot.identifier} is ${snapshot.status}`)
      }),
    )
  return withExitCodes(command, [...REACHING, 'BackupFailed'])
}

function listCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('list'))
    .description('the restore window and the DB snapshots')
    .action(
      action(around, async (invocation, options: WorkloadOption) => {
        const { withRegion } = await import('../workload-region.ts')
        const { listBackups } = await import('../../recovery/backups.ts')
        const backups = await withRegion(invocation, options, listBackups)
        invocation.output.result(backups, describe(backups))
      }),
    )
  return withExitCodes(command, REACHING)
}

function describe({ instance, restoreWindow, snapshots }: Backups): string {
  const window = restoreWindow
    ? `${restoreWindow.earliest.toISOString()} to ${restoreWindow.latest.toISOString()}`
    : 'none: no automated backup has finished yet'
  const rows = snapshots.map(({ identifier, kind, status, createdAt }) => [
    identifier,
    kind,
    status,
    createdAt?.toISOString() ?? '',
  ])
  return [
    `restore window of ${instance}: ${window}`,
    rows.length > 0 ? table(['DB snapshot', 'kind', 'status', 'created'], rows) : 'no DB snapshots',
  ].join('\n')
}

function verifyCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('verify'))
    .description('restore the newest recovery point to a copy, run the checks on it, delete it')
    .action(
      action(around, async (invocation, options: WorkloadOption) => {
        const { output, clock, signal } = invocation
        const { withRegion } = await import('../workload-region.ts')
        const { verifyBackup } = await import('../../recovery/verify-backup.ts')
        const live = new LiveLine(output, clock)
        const onProgress = (message: string, fraction?: number) => live.show(message, fraction)
        const found = await withRegion(invocation, options, ({ workload, region }) =>
          verifyBackup({ workload, region, clock, signal, onProgress, random: systemRandom }),
        ).finally(() => live.clear())
        const rows = Object.entries(found.rows).map(([name, count]) => [name, String(count)])
        const checks = found.checks.map(({ check }) => `✔ ${check}`)
        const title = `${found.instance} as of ${found.restoredTo} was restored and read back`
        output.result(found, [title, ...checks, table(['table', 'rows'], rows)].join('\n'))
      }),
    )
  return withExitCodes(command, [...REACHING, 'RestoreNotVerified', 'StepDeadlineExceeded'])
}

const REACHING = [
  'WorkloadFileInvalid',
  'WorkloadFileNotFound',
  'RegionUnreachable',
  'CallRefused',
  'CredentialsRefused',
  'ResourceNotFound',
] as const
