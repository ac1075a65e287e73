// What a process that executes `data-corruption`, and may be killed, needs to know of its world.
import { RegionClient } from '../../dist/src/aws/region-client.js'
import { systemClock as clock } from '../../dist/src/core/clock.js'
import { systemRandom as random } from '../../dist/src/core/random.js'
import { recoveryTools } from '../../dist/src/recovery/recovery.js'
import { dataCorruption } from '../../dist/src/recovery/runbooks/data-corruption.js'

export const world = {
  runbook: dataCorruption,
  input: ({ input }) => input,
  tools: ({ aws }, { database, executions }) => {
    const region = new RegionClient({ ...aws, clock })
    return recoveryTools({ region, database, clock, random }, (id) => executions.get(id))
  },
}
