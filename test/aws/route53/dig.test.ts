import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { records, route53UnderTest } from './route53-under-test.ts'

const run = promisify(execFile)
const hasDig = spawnSync('dig', ['-v']).status === 0
const what = 'the real dig, of BIND'

describe.skipIf(!hasDig)(hasDig ? what : `${what} (skipped: needs dig)`, () => {
  const world = route53UnderTest()
  let zone: string

  beforeAll(async () => {
    const { id, name } = await world.zone()
    zone = name
    const long = Array.from({ length: 20 }, (_, n) => `"${n}${'x'.repeat(200)}"`)
    await world.change(
      id,
      ['CREATE', records(`www.${name}`, 'A', ['192.0.2.1'])],
      ['CREATE', records(`www.${name}`, 'AAAA', ['2001:db8::1'])],
      ['CREATE', records(`one.${name}`, 'CNAME', [`two.${name}`])],
      ['CREATE', records(`two.${name}`, 'CNAME', [`www.${name}`])],
      ['CREATE', records(`*.wild.${name}`, 'A', ['192.0.2.7'])],
      ['CREATE', records(`long.${name}`, 'TXT', long)],
    )
  })

  const dig = async (...args: string[]): Promise<string> => {
    const server = ['@127.0.0.1', '-p', `${world.dnsPort()}`, '+norecurse', '+tries=3', '+time=5']
    const { stdout } = await run('dig', [...server, ...args])
    expect(stdout).not.toContain('WARNING')
    return stdout
  }
  const short = async (...args: string[]) =>
    (await dig('+short', ...args)).trim().split('\n').filter(Boolean)

  test.each(['+notcp', '+tcp'])('is answered by %s', async (transport) => {
    expect(await short(transport, `www.${zone}`, 'A')).toEqual(['192.0.2.1'])
    expect(await short(transport, `www.${zone}`, 'AAAA')).toEqual(['2001:db8::1'])
    expect(await dig(transport, `www.${zone}`)).toMatch(/status: NOERROR.*\n.*flags: qr aa;/)
  })

  test('follows a chain of CNAMEs, and finds a wildcard', async () => {
    const chain = [`two.${zone}.`, `www.${zone}.`, '192.0.2.1']
    expect(await short(`one.${zone}`, 'A')).toEqual(chain)
    expect(await short(`any.thing.wild.${zone}`, 'A')).toEqual(['192.0.2.7'])
  })

  test('is told with the SOA what does not exist, a name or only a type', async () => {
    const soa = /AUTHORITY: 1,[\s\S]*\sSOA\s/
    const unknown = await dig(`none.${zone}`, 'A')
    expect(unknown).toContain('status: NXDOMAIN')
    expect(unknown).toMatch(soa)
    const noData = await dig(`www.${zone}`, 'MX')
    expect(noData).toMatch(/status: NOERROR[\s\S]*ANSWER: 0,/)
    expect(noData).toMatch(soa)
  })

  test('is refused in zones of others', async () => {
    expect(await dig('www.elsewhere.example', 'A')).toContain('status: REFUSED')
  })

  test('gets the letters back as it wrote them, of each question', async () => {
    for (const name of [`wWw.${zone}`, `WwW.${zone}`, `www.${zone.toUpperCase()}`]) {
      const response = await dig(name, 'A')
      expect(response).toContain(`;${name}.`)
      expect(response).toContain('192.0.2.1')
    }
  })

  test('is told that an answer was cut off, and gets all of it by TCP', async () => {
    for (const size of ['+noedns', '+bufsize=512', '+bufsize=1232']) {
      const cut = await dig(size, '+notcp', '+ignore', `long.${zone}`, 'TXT')
      expect(cut).toMatch(/flags: qr aa tc;/)
      expect(await short(size, `long.${zone}`, 'TXT')).toHaveLength(20)
    }
    const cut = await dig('+bufsize=65535', '+ignore', `long.${zone}`, 'TXT')
    expect(cut).toMatch(/flags: qr aa tc;[\s\S]*udp: 4096/)
  })
})
