import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { parseRange } from '../dns/health/targets.ts'
import { liveAsChild } from './child-life.ts'
import { NameService } from './dns.ts'
import { type DnsOptions, processFolder } from './home-programs.ts'
import { openIdentity } from './identity.ts'
import { rootCredentials } from './root-credentials.ts'

/** The program of a home's name server and health checkers: `dns-process HOME OPTIONS`, the options as JSON. */
const [home = '', text = '{}'] = process.argv.slice(2)
const { port, gatewayPort, checkTargets = [], checkSpeed } = JSON.parse(text) as DnsOptions
const folder = processFolder(home, 'dns')

liveAsChild(folder, async () => {
  const { iam, sessions } = await openIdentity({
    folder: join(home, 'iam'),
    delayMs: 0,
    credentials: await rootCredentials(join(home, 'credentials.json')),
    clock: systemClock,
  })
  const service = await NameService.open({
    port,
    folder,
    directoryFolder: join(home, 'route53'),
    endpoint: `http://127.0.0.1:${gatewayPort}`,
    sessions,
    checkTargets: checkTargets.flatMap((range) => parseRange(range) ?? []),
    checkSpeed,
    clock: systemClock,
  })
  const close = async () => {
    await service.close()
    await iam.close()
  }
  return { port: service.port, close }
})
