import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as openRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { systemRandom } from '../../core/random.ts'
import { PolicyAuthorizer } from '../iam/authorizer.ts'
import { Iam } from '../iam/iam.ts'
import { IamKeyRing } from '../iam/key-ring.ts'
import { RoleSessions } from '../iam/role-sessions.ts'
import { Endpoint } from '../protocol/endpoint.ts'
import { commonFault } from '../protocol/fault.ts'
import { HttpServer } from '../protocol/http-server.ts'
import { type SessionKeys, signedHeaders } from '../protocol/signed-headers.ts'
import type { Peer, PeerOperation } from './peer.ts'
import { PEER_SCOPE } from './peer-client.ts'
import { Peers } from './peers.ts'

const SERVICE = 'rds.amazonaws.com'
const [NEAR, FAR] = ['ap-southeast-1', 'us-east-1'] as const
const PIECE = Buffer.alloc(64 << 10, 'x')

let folder: string
let iam: Iam
let sessions: RoleSessions
let server: HttpServer
let near: Peers
let asking: Peer
const errors: unknown[] = []

class Refused extends Error {
  constructor(
    readonly shape: string,
    message: string,
  ) {
    super(message)
  }
}

/** The far region, which answers, and the near one, which asks. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-peers-'))
  const { now } = systemClock
  iam = await Iam.open({
    accountId: '000000000000',
    folder: join(folder, 'iam'),
    delayMs: 60_000,
    clock: systemClock,
    random: systemRandom,
  })
  const authorizer = new PolicyAuthorizer(iam)
  sessions = new RoleSessions(iam, authorizer)
  const far = peersOf(FAR)
  far.of(SERVICE, refused).serve(OPERATIONS)
  const root = { secretAccessKey: 'root', caller: callerOf(now()) }
  const endpoint = new Endpoint({
    region: FAR,
    keys: new IamKeyRing(iam, { accessKeyId: 'ROOT', key: root }),
    authorize: authorizer.authorize,
    services: [],
    opens: [],
    streams: [far.stream],
    clock: systemClock,
    random: systemRandom,
    onError: (error) => errors.push(error),
  })
  server = await HttpServer.listen({
    port: 0,
    answer: (raw) => endpoint.answer(raw),
    isStreamed: (head) => endpoint.isStreamed(head),
    answerStream: (raw) => endpoint.answerStream(raw),
    onError: (error) => errors.push(error),
  })
  near = peersOf(NEAR)
  asking = near.of(SERVICE, refused)
})
afterEach(async () => {
  near.close()
  await server.close()
  await iam.close()
  await rm(folder, { recursive: true, force: true })
})

const refused = (shape: string, message: string) => new Refused(shape, message)
const callerOf = (issuedAt: Date) => ({
  accountId: '000000000000',
  arn: 'arn:aws:iam::000000000000:root',
  userId: '000000000000',
  accessKeyId: 'ROOT',
  issuedAt,
})
const peersOf = (region: string) =>
  new Peers({
    region,
    keys: sessions,
    endpoint: () => `http://127.0.0.1:${server.port}`,
    clock: systemClock,
  })

let given = 0
const OPERATIONS: Readonly<Record<string, PeerOperation>> = {
  Echo: async (input: object) => ({ output: { heard: input } }),
  Count: async (_: object, body) => {
    let bytes = 0
    for await (const piece of body) bytes += piece.length
    return { output: { bytes } }
  },
  Ignore: async () => ({ output: {} }),
  Send: async ({ pieces, dies }: { pieces: number; dies?: boolean }) => ({
    output: { pieces },
    body: (async function* () {
      for (given = 0; given < pieces; given++) yield PIECE
      if (dies) throw new Error('the disk is gone')
    })(),
  }),
  Refuse: async () => {
    throw commonFault('InvalidParameterValue', 'not so')
  },
  Fail: async () => {
    throw new LifeboatError('VaultDamaged', 'a frame is damaged', { hint: 'Look at it.' })
  },
}

const ask = (operation: string, input: object = {}, body?: AsyncIterable<Buffer>) =>
  asking.ask({ region: FAR, operation, input, ...(body ? { body } : {}), silenceMs: 2000 })

async function lengthOf(body: AsyncIterable<Buffer>): Promise<number> {
  let length = 0
  for await (const piece of body) length += piece.length
  return length
}

describe('a region asks another one', () => {
  test('and reads the answer, also over the same connection again', async () => {
    for (let i = 0; i < 70; i++) {
      const { output } = await ask('Echo', { text: 'line\nbreak', i })
      expect(output).toEqual({ heard: { text: 'line\nbreak', i } })
    }
  })

  test('with a body of many bytes, and with one that nobody wants', async () => {
    const pieces = async function* () {
      for (let i = 0; i < 200; i++) yield PIECE
    }
    expect((await ask('Count', {}, pieces())).output).toEqual({ bytes: 200 * PIECE.length })
    expect((await ask('Ignore', {}, pieces())).output).toEqual({})
    expect((await ask('Echo')).output).toEqual({ heard: {} })
  })

  test('and gets bytes no faster than it reads them', async () => {
    const { body } = await ask('Send', { pieces: 2000 })
    const reader = body[Symbol.asyncIterator]()
    await reader.next()
    await systemClock.sleep(300)
    expect(given).toBeLessThan(500)
    let length = 0
    for (let next = await reader.next(); !next.done; next = await reader.next()) {
      length += next.value.length
    }
    expect(length).toBeGreaterThan(1999 * PIECE.length)
    expect(given).toBe(2000)
  })

  test('and reads refusals and failures as what they were', async () => {
    await expect(ask('Refuse')).rejects.toMatchObject({
      shape: 'InvalidParameterValue',
      message: 'not so',
    })
    await expect(ask('Fail')).rejects.toMatchObject({ code: 'VaultDamaged', hint: 'Look at it.' })
    await expect(ask('Absent')).rejects.toMatchObject({ shape: 'UnsupportedOperation' })
  })

  test('which is itself', async () => {
    near.of(SERVICE, refused).serve(OPERATIONS)
    const question = { region: NEAR, operation: 'Send', input: { pieces: 3 } }
    const { output, body } = await asking.ask(question)
    expect(output).toEqual({ pieces: 3 })
    expect(await lengthOf(body)).toBe(3 * PIECE.length)
  })

  test('and is told that it is away when it is, dies, is silent or is not there', async () => {
    const isAway = { code: 'RegionUnreachable' }
    const { body } = await ask('Send', { pieces: 3, dies: true })
    await expect(lengthOf(body)).rejects.toMatchObject(isAway)
    expect(errors.splice(0)).toHaveLength(1)
    const absent = { region: 'eu-west-1', operation: 'Echo', input: {} }
    await expect(asking.ask(absent)).rejects.toMatchObject(isAway)
    await server.close()
    await expect(ask('Echo')).rejects.toMatchObject(isAway)
  })

  test('and gives up when it no longer wants to know', async () => {
    const ending = new AbortController()
    const { body } = await asking.ask({
      region: FAR,
      operation: 'Send',
      input: { pieces: 1_000_000 },
      signal: ending.signal,
    })
    const reason = new Error('enough')
    const reading = lengthOf(body)
    ending.abort(reason)
    await expect(reading).rejects.toBe(reason)
  })
})

describe('nobody else', () => {
  const statusOf = async (keys: SessionKeys, service = SERVICE) => {
    const path = `/${service}/Echo`
    const request = openRequest({
      port: server.port,
      host: '127.0.0.1',
      method: 'POST',
      path,
      headers: signedHeaders({
        method: 'POST',
        path,
        region: FAR,
        service: PEER_SCOPE,
        body: undefined,
        headers: { host: 'x' },
        keys,
        now: systemClock.now(),
      }),
    })
    request.end('{}\n')
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }

  test('may ask: not another service, not a role with the name, not a forged token', async () => {
    const own = sessions.keysForLinkedService(SERVICE, 3600)
    expect(await statusOf(own)).toBe(200)
    const other = sessions.keysForLinkedService('secretsmanager.amazonaws.com', 3600)
    expect(await statusOf(other)).toBe(403)
    expect(await statusOf(other, 'secretsmanager.amazonaws.com')).toBe(409)
    const forged = { ...own, sessionToken: own.sessionToken.replace(/.{9}$/, 'AAAAAAAAA') }
    expect(await statusOf(forged)).toBe(403)
    const expired = sessions.keysForLinkedService(SERVICE, -1)
    expect(await statusOf(expired)).toBe(403)
    const noToken = { accessKeyId: 'ROOT', secretAccessKey: 'root', sessionToken: '' }
    expect(await statusOf(noToken)).toBe(403)
  })
})
