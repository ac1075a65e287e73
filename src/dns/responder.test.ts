import dnsPacket from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { encodeRdata } from './rdata.ts'
import type { RecordSet, Routing } from './record-set.ts'
import { Responder } from './responder.ts'
import { Zone } from './zone.ts'
import { Zones } from './zones.ts'

const NAME = 'www.shop.test'

function set(value: string, routing: Routing = { kind: 'simple' }): RecordSet {
  const content = { kind: 'records' as const, ttlSeconds: 60, rdata: [encodeRdata('A', value)] }
  const healthCheck = routing.kind === 'failover' ? 'check' : undefined
  return { name: NAME, type: 'A', id: value, routing, healthCheck, content }
}

function world() {
  const health = { isHealthy: true }
  const zones = new Zones({ isHealthy: () => health.isHealthy, random: () => 0 })
  const zone = Zone.of('shop.test', [set('192.0.2.1')])
  zones.put('1', zone)
  const responder = new Responder(zones)
  const ask = (id = 1, name = NAME) => {
    const question = dnsPacket.encode({ type: 'query', id, questions: [{ name, type: 'A' }] })
    return dnsPacket.decode(responder.respond(question)!)
  }
  const value = (id?: number) => {
    const [answer] = ask(id).answers ?? []
    return answer?.type === 'A' ? answer.data : undefined
  }
  return { health, zones, zone, ask, value }
}

describe('a response that is known', () => {
  test('carries the number and the letters of its own question', () => {
    const { ask } = world()
    for (const [id, name] of [
      [1, NAME],
      [2, NAME],
      [3, 'wWw.shop.test'],
    ] as const) {
      expect(ask(id, name)).toMatchObject({ id, questions: [{ name }] })
    }
  })

  test('is forgotten when its record, or its zone, changes, comes or goes', () => {
    const { zones, zone, ask, value } = world()
    expect(value()).toBe('192.0.2.1')
    for (let turn = 2; turn < 200; turn += 1) {
      zone.replace(NAME, [set(`192.0.2.${turn}`)])
      expect([value(1), value(2)]).toEqual([`192.0.2.${turn}`, `192.0.2.${turn}`])
    }
    zones.put('1', Zone.of('shop.test', [set('198.51.100.1')]))
    expect(value()).toBe('198.51.100.1')
    zones.delete('1')
    expect(ask()).toMatchObject({ rcode: 'REFUSED' })
  })

  test('never has a say of health in it', () => {
    const { health, zone, value } = world()
    zone.replace(NAME, [
      set('192.0.2.1', { kind: 'failover', role: 'primary' }),
      { ...set('192.0.2.2', { kind: 'failover', role: 'secondary' }), healthCheck: undefined },
    ])
    for (let turn = 0; turn < 200; turn += 1) {
      health.isHealthy = turn % 2 === 0
      expect([value(), value()]).toEqual(
        Array(2).fill(health.isHealthy ? '192.0.2.1' : '192.0.2.2'),
      )
    }
  })
})
