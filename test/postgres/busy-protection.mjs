// Backs up, expires and restores a cluster without end, until it is killed.
// Arguments: JSON of { folder, into, dataDirectory, major, target, binaries, superuser }.
import { rm } from 'node:fs/promises'
import { systemClock } from '../../dist/src/core/clock.js'
import { Protection } from '../../dist/src/postgres/protection.js'

const { folder, into, dataDirectory, major, target, ...o } = JSON.parse(process.argv[2])
const protection = await Protection.open({ folder, clock: systemClock })
await protection.attach({ dataDirectory, major, target: () => target })
for (let round = 0; ; round++) {
  const backup = await protection.backUp()
  process.stdout.write(`${backup.id}\n`)
  if (round % 3 === 2) await protection.expire({ keepFrom: backup.completedAt })
  if (round % 2 === 1) {
    const copy = await protection.restore({ ...o, to: 'latest', into })
    await copy.stop()
    await rm(into, { recursive: true })
  }
}
