import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { liveAsChild } from './child-life.ts'
import { GlobalServices } from './global.ts'
import { processFolder } from './home-programs.ts'
import { rootCredentials } from './root-credentials.ts'

/** The program of the global services' control plane: `global-process HOME IAM_DELAY_MS`. */
const [home = '', iamDelayMs] = process.argv.slice(2)

liveAsChild(processFolder(home, 'global'), async () => {
  const services = await GlobalServices.open({
    credentials: await rootCredentials(join(home, 'credentials.json')),
    iam: { folder: join(home, 'iam'), delayMs: Number(iamDelayMs) },
    route53: {
      directoryFolder: join(home, 'route53'),
      dataPlaneFolder: processFolder(home, 'dns'),
    },
    clock: systemClock,
  })
  return { ...(await services.listen()), close: () => services.close() }
})
