import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { nameFindings, nameStatusOf } from '../../src/recovery/dns-gate.ts'
import { readPublicRecords } from '../../src/recovery/failover-records.ts'
import { outputOf, runs } from '../aws/clients/program.ts'
import { dnsHome } from '../aws/route53/dns-home.ts'
import { until } from '../trials/trial-region.ts'

const hasCli = runs('aws', ['--version'])
const AWAY = '127.0.0.12'

describe.skipIf(!hasCli)(
  `a name that moves too early${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
  () => {
    const world = dnsHome({ checkSpeed: 100 })
    let service: Server
    let port: number
    let region: RegionClient

    beforeAll(async () => {
      // Up, while its database takes no writes.
      service = createServer((request, response) => {
        response.writeHead(request.url === '/ready' ? 503 : 200).end()
      })
      await new Promise<void>((listening) => service.listen(0, AWAY, listening))
      port = (service.address() as AddressInfo).port
      const environment = await world.environment()
      region = new RegionClient({
        region: 'us-east-1',
        endpoint: environment.AWS_ENDPOINT_URL!,
        credentials: {
          accessKeyId: environment.AWS_ACCESS_KEY_ID!,
          secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
        },
        clock: systemClock,
      })
    })
    afterAll(() => {
      region?.close()
      service.closeAllConnections()
      service.close()
    })

    /** A failover pair whose secondary hangs on a check of this path; on none without it. */
    async function pair(zoneName: string, path?: string) {
      const { HealthCheck } =
        path === undefined
          ? {}
          : await world.api().createHealthCheck({
              CallerReference: zoneName,
              HealthCheckConfig: { Type: 'HTTP', IPAddress: AWAY, Port: port, ResourcePath: path },
            })
      const name = `www.${zoneName}`
      const record = (role: 'PRIMARY' | 'SECONDARY', address: string) => ({
        ...{ Name: name, Type: 'A' as const, TTL: 5, SetIdentifier: role, Failover: role },
        ResourceRecords: [{ Value: address }],
        ...(role === 'SECONDARY' && HealthCheck && { HealthCheckId: HealthCheck.Id }),
      })
      const { HealthCheck: primary } = await world.api().createHealthCheck({
        CallerReference: `${zoneName}-primary`,
        HealthCheckConfig: { Type: 'CALCULATED', HealthThreshold: 0 },
      })
      await world.zone(
        zoneName,
        { ...record('PRIMARY', '127.0.0.11'), HealthCheckId: primary!.Id! },
        record('SECONDARY', AWAY),
      )
      const url = `http://${name}:${port}/orders`
      const workload = {
        publicName: { name },
        http: { url, method: 'POST', timeoutSeconds: 5 },
      }
      return async () => {
        const records = await readPublicRecords(region.route53, workload.publicName)
        return nameStatusOf(workload, records)
      }
    }

    /** Pastes what was printed, with the path of the service's own. */
    async function paste(commands: string): Promise<void> {
      const environment = await world.environment()
      const script = `set -e\n${commands.replaceAll('PATH', '/ready')}`
      await outputOf('bash', ['-c', script], {
        ...{ AWS_ENDPOINT_URL: environment.AWS_ENDPOINT_URL!, AWS_DEFAULT_REGION: 'us-east-1' },
        AWS_ACCESS_KEY_ID: environment.AWS_ACCESS_KEY_ID!,
        AWS_SECRET_ACCESS_KEY: environment.AWS_SECRET_ACCESS_KEY!,
        AWS_EC2_METADATA_DISABLED: 'true',
      })
    }

    test.each([
      ['one as the guide has it, without a check', 'guide.example', undefined],
      ['one whose check asks only whether somebody is there', 'green.example', '/health'],
    ])('%s, is found, and gated by the change that is printed', async (_, zone, path) => {
      const look = await pair(zone, path)
      await until('it is ungated', 60_000, async () => (await look()).setup === 'ungated')
      const found = await look()
      const [finding] = nameFindings(found)
      expect(finding).toContain(`'www.${zone}' is ungated: it leads to ${AWAY} as soon as `)
      await paste(found.gateBy!)
      await until('it is gated', 60_000, async () => (await look()).setup === 'gated')
      expect(nameFindings(await look())).toEqual([])
    })

    test('one that is gated needs nobody', async () => {
      const look = await pair('gated.example', '/ready')
      await until('it is gated', 60_000, async () => (await look()).setup === 'gated')
      expect(await look()).toMatchObject({ recoveryAddress: AWAY, gateBy: null })
      expect(nameFindings(await look())).toEqual([])
    })
  },
)
