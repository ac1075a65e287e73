// A whole region in a process of its own that waits, with everything loaded, until it is told which one to be. So one that was
// killed has a successor at once.
import { systemClock } from '../../../dist/src/core/clock.js'
import { Region } from '../../../dist/src/region/region.js'

process.once('message', async ({ name, home, folder, port, endpoint, credentials }) => {
  const region = await Region.open({
    name,
    folder,
    credentials,
    clock: systemClock,
    binaries: [],
    templates: `${home}/templates`,
    // Rules act while clients do.
    lifecycleDayMs: 200,
    iam: { folder: `${home}/iam`, delayMs: 0 },
    home: { bucketsFolder: `${home}/buckets`, endpoint },
  })
  await region.listen(port)
  process.send('ready')
})
process.on('disconnect', () => process.exit())
process.send('loaded')
