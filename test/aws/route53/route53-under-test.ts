import { Resolver } from 'node:dns/promises'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ResourceRecordSet, Route53 } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll } from 'vitest'
import { NameService } from '../../../src/region/dns.ts'
import { GlobalServices } from '../../../src/region/global.ts'
import { openIdentity } from '../../../src/region/identity.ts'
import { AdjustableClock, CREDENTIALS } from '../region-under-test.ts'

let made = 0

/**
 * The API of Route 53 and the name server for a test file, each on a port of its own. The file's tests use zones of their own.
 *
 * @param checkSpeed  how many times faster than on AWS health checks are made
 */
export function route53UnderTest({ checkSpeed = 100 }: { checkSpeed?: number } = {}) {
  const clock = new AdjustableClock()
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  let folder: string
  let services: GlobalServices
  let names: NameService
  let closeIdentity: () => Promise<void>
  let api: Route53
  let apiPort = 0
  let dnsPort = 0

  const at = (name: string) => join(folder, name)
  const openApi = async () => {
    services = await GlobalServices.open({
      credentials: CREDENTIALS,
      iam: { folder: at('iam'), delayMs: 0 },
      route53: { directoryFolder: at('route53'), dataPlaneFolder: at('dns') },
      clock,
      onError,
    })
    apiPort = (await services.listen(apiPort)).port
  }
  const openDns = async () => {
    const iam = { folder: at('iam'), delayMs: 0 }
    const identity = await openIdentity({ ...iam, credentials: CREDENTIALS, clock })
    closeIdentity = () => identity.iam.close()
    names = await NameService.open({
      port: dnsPort,
      folder: at('dns'),
      directoryFolder: at('route53'),
      sessions: identity.sessions,
      checkSpeed,
      clock,
      onError,
    })
    dnsPort = names.port
  }
  const closeDns = async () => {
    await names.close()
    await closeIdentity()
  }
  const client = (credentials: object = CREDENTIALS) => ({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${apiPort}`,
    credentials: credentials as typeof CREDENTIALS,
    maxAttempts: 1,
  })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-route53-'))
    await chmod(folder, 0o711)
    await openApi()
    await openDns()
    api = new Route53(client())
  })
  afterAll(async () => {
    api.destroy()
    await closeDns()
    await services.close()
    await rm(folder, { recursive: true, force: true })
  })

  const inSync = async (id: string | undefined): Promise<void> => {
    for (;;) {
      const { ChangeInfo } = await api.getChange({ Id: id })
      if (ChangeInfo?.Status === 'INSYNC') return
    }
  }

  return {
    clock,
    errors,
    api: () => api,
    client,
    dnsPort: () => dnsPort,
    /** Where all is kept. */
    folder: () => folder,
    closeDns,
    openDns,
    restartApi: async () => {
      await services.close()
      await openApi()
    },
    inSync,
    /** A zone of its own for a test; its id and its name. */
    zone: async (suffix = 'test') => {
      made += 1
      const Name = `zone-${made}.${suffix}`
      const { HostedZone } = await api.createHostedZone({ Name, CallerReference: Name })
      return { id: HostedZone!.Id!, name: Name }
    },
    /** Changes records in one batch, and waits until questions are answered by them. */
    change: async (
      HostedZoneId: string,
      ...changes: ['CREATE' | 'DELETE' | 'UPSERT', ResourceRecordSet][]
    ) => {
      const Changes = changes.map(([Action, ResourceRecordSet]) => ({ Action, ResourceRecordSet }))
      const { ChangeInfo } = await api.changeResourceRecordSets({
        HostedZoneId,
        ChangeBatch: { Changes },
      })
      await inSync(ChangeInfo?.Id)
    },
    /** Node's own resolver, asking the name server. */
    resolver: () => {
      const resolver = new Resolver({ timeout: 2_000, tries: 2 })
      resolver.setServers([`127.0.0.1:${dnsPort}`])
      return resolver
    },
  }
}

/** A simple set of records. */
export function records(
  Name: string,
  Type: ResourceRecordSet['Type'],
  values: readonly string[],
  more: Partial<ResourceRecordSet> = {},
): ResourceRecordSet {
  return { Name, Type, TTL: 60, ResourceRecords: values.map((Value) => ({ Value })), ...more }
}

/** The code and the words of the error that a call is refused with. A call that succeeds fails the test. */
export async function refused(call: Promise<unknown>): Promise<{ name: string; message: string }> {
  const outcome = await call.then(
    (result) => ({ result }),
    (error: Error) => ({ error }),
  )
  if ('error' in outcome) return outcome.error
  throw new Error(`the call succeeded: ${JSON.stringify(outcome.result)}`)
}
