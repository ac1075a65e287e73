import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HealthCheckConfig, ResourceRecordSet } from '@aws-sdk/client-route-53'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

interface Row {
  readonly primary: string
  readonly secondary: string
  readonly answer: string
  readonly why: string
}

const ROWS: readonly Row[] = readFileSync(
  join(import.meta.dirname, 'golden', 'failover-pairs.txt'),
  'utf8',
)
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => {
    const [primary = '', secondary = '', answer = '', why = ''] = line.split(' | ')
    return { primary, secondary, answer, why }
  })

const healthy = { Type: 'CALCULATED', HealthThreshold: 0 } as const
const ill = { Type: 'CALCULATED', HealthThreshold: 1 } as const
const alarm = {
  Type: 'CLOUDWATCH_METRIC',
  AlarmIdentifier: { Region: 'us-east-1', Name: 'nobody tells' },
} as const

/** A health check in each of the states that the file names. */
const CHECKS: Readonly<Record<string, HealthCheckConfig>> = {
  healthy,
  ill,
  'inverted healthy': { ...healthy, Inverted: true },
  'inverted ill': { ...ill, Inverted: true },
  disabled: { ...ill, Disabled: true },
  'disabled inverted': { ...ill, Disabled: true, Inverted: true },
  'no data, healthy': { ...alarm, InsufficientDataHealthStatus: 'Healthy' },
  'no data, unhealthy': { ...alarm, InsufficientDataHealthStatus: 'Unhealthy' },
  'no data, last known': { ...alarm, InsufficientDataHealthStatus: 'LastKnownStatus' },
}

const ADDRESSES: Readonly<Record<string, string>> = { primary: '192.0.2.1', secondary: '192.0.2.2' }

describe('a failover pair answers as the documentation says', () => {
  const world = route53UnderTest()
  const idByState = new Map<string, string>()
  let zone: { id: string; name: string }

  const nameOf = (row: Row) => `row-${ROWS.indexOf(row)}.${zone.name}`
  const set = (row: Row, role: 'primary' | 'secondary'): ResourceRecordSet[] => {
    const state = row[role]
    if (state === 'absent') return []
    const routing = {
      SetIdentifier: role,
      Failover: role === 'primary' ? ('PRIMARY' as const) : ('SECONDARY' as const),
      ...(state === 'none' ? {} : { HealthCheckId: idByState.get(state)! }),
    }
    if (state !== 'none' || role === 'secondary') {
      return [records(nameOf(row), 'A', [ADDRESSES[role]!], routing)]
    }
    const AliasTarget = {
      HostedZoneId: zone.id.replace('/hostedzone/', ''),
      DNSName: `plain.${zone.name}`,
      EvaluateTargetHealth: false,
    }
    return [{ Name: nameOf(row), Type: 'A', AliasTarget, ...routing }]
  }

  beforeAll(async () => {
    zone = await world.zone()
    for (const [state, HealthCheckConfig] of Object.entries(CHECKS)) {
      const { HealthCheck } = await world
        .api()
        .createHealthCheck({ CallerReference: state, HealthCheckConfig })
      idByState.set(state, HealthCheck!.Id!)
    }
    const plain = records(`plain.${zone.name}`, 'A', [ADDRESSES.primary!])
    const sets = ROWS.flatMap((row) => [...set(row, 'primary'), ...set(row, 'secondary')])
    await world.change(
      zone.id,
      ...[plain, ...sets].map((one): ['CREATE', ResourceRecordSet] => ['CREATE', one]),
    )
    // The alarm has been looked at, and nobody has told.
    const id = idByState.get('no data, unhealthy')!
    await until('the alarm has been looked at', 60_000, async () => {
      const status = await world.api().getHealthCheckStatus({ HealthCheckId: id })
      return status.HealthCheckObservations?.length === 1
    })
  })

  test('has a row for every pair of states', () => {
    const states = ['none', 'absent', ...Object.keys(CHECKS)]
    const pairs = states.flatMap((primary) => states.map((other) => `${primary} | ${other}`))
    expect(ROWS.map(({ primary, secondary }) => `${primary} | ${secondary}`).sort()).toEqual(
      pairs.filter((pair) => pair !== 'absent | absent').sort(),
    )
  })

  test('by the name server', async () => {
    const resolver = world.resolver()
    const answers = await Promise.all(ROWS.map((row) => resolver.resolve4(nameOf(row))))
    expect(told(answers)).toEqual(expected())
  })

  test('by TestDNSAnswer', async () => {
    const answers: string[][] = []
    for (const row of ROWS) {
      const { RecordData, ResponseCode } = await world.api().testDNSAnswer({
        HostedZoneId: zone.id,
        RecordName: nameOf(row),
        RecordType: 'A',
      })
      expect(ResponseCode).toBe('NOERROR')
      answers.push(RecordData ?? [])
    }
    expect(told(answers)).toEqual(expected())
  })

  /** Rows as in the file, so that a difference names its row and the reason. */
  function expected(): string[] {
    return ROWS.map((row) => `${row.primary} | ${row.secondary} | ${row.answer} | ${row.why}`)
  }

  function told(answers: string[][]): string[] {
    return ROWS.map((row, index) => {
      const address = answers[index]!.join()
      const [answer = address] = Object.keys(ADDRESSES).filter(
        (role) => ADDRESSES[role] === address,
      )
      return `${row.primary} | ${row.secondary} | ${answer} | ${row.why}`
    })
  }
})
