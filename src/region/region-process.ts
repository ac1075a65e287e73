import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { findPostgresBinaries } from '../postgres/binaries.ts'
import { liveAsChild } from './child-life.ts'
import { processFolder } from './home-programs.ts'
import { waysOfGateway } from './network/ways.ts'
import { Region } from './region.ts'
import { rootCredentials } from './root-credentials.ts'
import { bucketDefaults } from './s3/bucket-defaults.ts'
import { lifecycleDayMs } from './s3/lifecycle/day-length.ts'
import { snsReach } from './sns/delivery/reach.ts'

/** The program of one region: `region-process HOME NAME IAM_DELAY_MS GATEWAY_PORT`. */
const [home = '', name = '', iamDelayMs, gatewayPort] = process.argv.slice(2)
const folder = processFolder(home, name)

liveAsChild(folder, async () => {
  const region = await Region.open({
    name,
    folder,
    credentials: await rootCredentials(join(home, 'credentials.json')),
    clock: systemClock,
    binaries: await findPostgresBinaries({ cache: join(home, 'postgresql') }),
    templates: join(home, 'templates'),
    iam: { folder: join(home, 'iam'), delayMs: Number(iamDelayMs) },
    lifecycleDayMs: lifecycleDayMs(process.env),
    snsReach: snsReach(process.env),
    bucketDefaults: bucketDefaults(process.env),
    home: {
      bucketsFolder: join(home, 'buckets'),
      imagesFile: join(home, 'images.json'),
      ways: waysOfGateway(),
      ...(Number(gatewayPort) > 0 ? { endpoint: `http://127.0.0.1:${gatewayPort}` } : {}),
    },
  })
  return { ...(await region.listen()), close: () => region.close() }
})
