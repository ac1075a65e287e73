import type { Command } from 'commander'

export interface WorkloadOption {
  readonly workload: string
}

/** Adds `--workload`. */
export function withWorkload(command: Command): Command {
  return command.option('--workload <file>', 'the workload file', 'lifeboat.yaml')
}
