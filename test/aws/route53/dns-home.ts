import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ResourceRecordSet, Route53 } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll } from 'vitest'
import { processFolder } from '../../../src/region/home-programs.ts'
import { RegionHome, type StartedRegions } from '../../../src/region/region-home.ts'

const REGION = 'us-east-1'

/**
 * A home for a test file, whose name server and health checkers are a process of their own, as users have them.
 *
 * @param checkSpeed  how many times faster than on AWS health checks are made
 */
export function dnsHome({ checkSpeed }: { checkSpeed: number }) {
  let folder: string
  let home: RegionHome
  let started: StartedRegions
  let api: Route53
  let port: number

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-dns-home-'))
    await chmod(folder, 0o711)
    home = new RegionHome(join(folder, 'home'))
    started = await home.start([REGION], { port: 0, checkSpeed })
    const environment = await home.environment(REGION)
    port = Number(environment.LIFEBOAT_DNS!.split(':')[1])
    api = new Route53({
      region: REGION,
      endpoint: environment.AWS_ENDPOINT_URL!,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID!,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
      },
    })
  })
  afterAll(async () => {
    api?.destroy()
    await started?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  return {
    api: () => api,
    /** How any program finds the region. */
    environment: () => home.environment(REGION),
    /** Of the name server, on 127.0.0.1. */
    port: () => port,
    /** Of the process of the name server; undefined when it is dead. */
    pid: async () => (await home.status()).dns.pid,
    /** What that process has complained of. */
    log: () => readFile(join(processFolder(home.folder, 'dns'), 'dns.log'), 'utf8'),
    /** A zone with records, once they are answered. */
    zone: async (Name: string, ...sets: ResourceRecordSet[]) => {
      const { HostedZone } = await api.createHostedZone({ Name, CallerReference: Name })
      const { ChangeInfo } = await api.changeResourceRecordSets({
        HostedZoneId: HostedZone!.Id!,
        ChangeBatch: {
          Changes: sets.map((ResourceRecordSet) => ({ Action: 'CREATE', ResourceRecordSet })),
        },
      })
      for (;;) {
        const told = await api.getChange({ Id: ChangeInfo!.Id! })
        if (told.ChangeInfo?.Status === 'INSYNC') return HostedZone!.Id!
      }
    },
  }
}
