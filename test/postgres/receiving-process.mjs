// Receives WAL without end, until it is killed. Arguments: JSON of { folder, target, slot }.
import { systemClock } from '../../dist/src/core/clock.js'
import { WalArchive } from '../../dist/src/postgres/wal/wal-archive.js'
import { WalReceiver } from '../../dist/src/postgres/wal/wal-receiver.js'

const { folder, target, slot } = JSON.parse(process.argv[2])
const archive = await WalArchive.open({ folder, clock: systemClock })
const receiver = new WalReceiver({ source: target, archive, slot })
receiver.on('gap', (gap) => process.stdout.write(`gap ${gap.reason}\n`))
receiver.on('durable', (lsn) => process.stdout.write(`${lsn}\n`))
await receiver.start()
