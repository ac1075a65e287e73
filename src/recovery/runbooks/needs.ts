import type { Need } from '../../runbook/runbook.ts'

/** What a step reaches in the region that the workload belongs to. */
export const atHome = (api: string, plane: Need['plane'] = 'control'): Need => ({
  ...{ api, where: 'primary', plane },
})

/** What it reaches in the region that the workload can recover in. */
export const away = (api: string, plane: Need['plane'] = 'control'): Need => ({
  ...{ api, where: 'recovery', plane },
})

/** What may be dead, and what the step does then. */
export const perhaps = (
  api: string,
  where: Need['where'],
  plane: Need['plane'],
  without: string,
): Need => ({
  ...{ api, where, plane, without },
})
