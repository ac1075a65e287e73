// What a process that executes `region-failure` or `failback`, and may be killed, needs to know of its world.
// The runbook is named by this module's query: `region-crash-world.mjs?failback`.
import { regionClient } from '../../dist/src/cli/aws-access.js'
import { systemClock as clock } from '../../dist/src/core/clock.js'
import { systemRandom as random } from '../../dist/src/core/random.js'
import { RUNBOOKS, recoveryTools } from '../../dist/src/recovery/recovery.js'

const name = new URL(import.meta.url).search.slice(1)

export const world = {
  runbook: RUNBOOKS.find((runbook) => runbook.name === name),
  input: ({ input }) => input,
  tools: ({ input, access }, { database, executions }) => {
    const reach = async (region) => regionClient(access, region, { clock })
    return reach(input.workload.region).then((region) =>
      recoveryTools(
        { region, reach, database, nameServer: access.nameServer, clock, random },
        (id) => executions.get(id),
      ),
    )
  },
}
