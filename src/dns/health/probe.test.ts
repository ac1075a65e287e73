import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { Endpoint } from './health-check.ts'
import { type ProbeOptions, probe } from './probe.ts'
import { Targets } from './targets.ts'

/** Short where it is waited for that a time is over, and long elsewhere: a busy machine is no failure. */
const SHORT = { connectMs: 10_000, connectOnlyMs: 10_000, statusMs: 300, bodyMs: 300 }
const LONG = { ...SHORT, statusMs: 20_000, bodyMs: 20_000 }

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A server that does with each connection, once a request has come, what the test says. */
async function serving(
  answer: (socket: Socket, request: string) => void,
  create: (onSocket: (socket: Socket) => void) => Server = (onSocket) => createServer(onSocket),
): Promise<number> {
  const server = create((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', (bytes) => answer(socket, bytes.toString('latin1')))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function endpoint(port: number, more: Partial<Endpoint> = {}): Endpoint {
  return {
    kind: 'endpoint',
    protocol: 'http',
    address: '127.0.0.1',
    host: undefined,
    port,
    path: '/healthz?deep=1',
    search: undefined,
    sendsServerName: false,
    intervalSeconds: 30,
    threshold: 3,
    locations: ['here'],
    ...more,
  }
}

function ask(asked: Endpoint, more: Partial<ProbeOptions> = {}) {
  return probe(asked, {
    targets: new Targets(),
    addressOf: async () => undefined,
    userAgent: 'test (ref 1)',
    signal: new AbortController().signal,
    limits: LONG,
    ...more,
  })
}

const http = (status: string, body = '') =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

describe('an endpoint asked by HTTP', () => {
  test.each([
    ['200 OK', true, 'Success: HTTP Status Code 200, OK'],
    ['204 No Content', true, 'Success: HTTP Status Code 204, No Content'],
    ['399 Nearly', true, 'Success: HTTP Status Code 399, Nearly'],
    ['400 Bad Request', false, 'Failure: HTTP Status Code 400, Bad Request'],
    ['503 Service Unavailable', false, 'Failure: HTTP Status Code 503, Service Unavailable'],
  ])('answers %s: %s', async (status, isSuccess, words) => {
    const port = await serving((socket) => socket.end(http(status)))
    expect(await ask(endpoint(port))).toEqual({ isSuccess, status: words })
  })

  test('is asked as Route 53 asks: one request with the host and who asks', async () => {
    const requests: string[] = []
    const port = await serving((socket, request) => {
      requests.push(request)
      socket.end(http('200 OK'))
    })
    await ask(endpoint(port, { host: 'www.shop.test' }))
    await ask(endpoint(port))
    expect(requests).toEqual([
      `GET /healthz?deep=1 HTTP/1.1\r\nhost: www.shop.test:${port}\r\nuser-agent: test (ref 1)\r\naccept: */*\r\nconnection: close\r\n\r\n`,
      expect.stringContaining(`host: 127.0.0.1:${port}\r\n`),
    ])
  })

  test('that redirects is healthy, and what it redirects to is not asked', async () => {
    let asked = 0
    const elsewhere = await serving(() => {
      asked += 1
    })
    const location = `Location: http://127.0.0.1:${elsewhere}/`
    const port = await serving((socket) =>
      socket.end(`HTTP/1.1 302 Found\r\n${location}\r\nContent-Length: 0\r\n\r\n`),
    )
    expect(await ask(endpoint(port))).toMatchObject({ isSuccess: true })
    expect(asked).toBe(0)
  })

  test('must have the search string in the first 5,120 bytes of its body', async () => {
    const body = (before: number) => `${'x'.repeat(before)}needle${'y'.repeat(9_000)}`
    const search = 'needle'
    for (const [before, isSuccess] of [
      [0, true],
      [5_120 - search.length, true],
      [5_120 - search.length + 1, false],
    ] as const) {
      const port = await serving((socket) => socket.end(http('200 OK', body(before))))
      const found = await ask(endpoint(port, { search }))
      expect([before, found.isSuccess]).toEqual([before, isSuccess])
    }
    const port = await serving((socket) => socket.end(http('200 OK', 'Needle')))
    expect((await ask(endpoint(port, { search }))).status).toContain('search string')
    const ill = await serving((socket) => socket.end(http('500 Oh', search)))
    expect(await ask(endpoint(ill, { search }))).toMatchObject({ isSuccess: false })
  })
})

describe('an endpoint that means harm', () => {
  const flood = (socket: Socket, head: string) => {
    socket.write(head)
    const more = () => {
      while (socket.writable && socket.write('z'.repeat(64 * 1024)));
    }
    socket.on('drain', more)
    more()
  }

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['says nothing', () => undefined, /timed out/],
    ['hangs up', (socket) => socket.end(), /closed by the endpoint/],
    ['resets', (socket) => socket.resetAndDestroy(), /closed by the endpoint/],
    ['speaks something else', (socket) => socket.write('220 mail ESMTP\r\n'), /not valid HTTP/],
    [
      'repeats a length',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      /not valid HTTP/,
    ],
    [
      'sends headers without end',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nX: '),
      /longer than 16384/,
    ],
    [
      'sends many headers',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(9_000)}\r\n`),
      /longer than 16384/,
    ],
    [
      'never gets beyond 100',
      (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 5)
        socket.on('close', () => clearInterval(timer))
      },
      /timed out/,
    ],
    [
      'drips',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const timer = setInterval(() => socket.write('X'), 20)
        socket.on('close', () => clearInterval(timer))
      },
      /timed out/,
    ],
    [
      'upgrades',
      (socket) =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
        ),
      /HTTP Status Code 101/,
    ],
    [
      'curses',
      (socket) => socket.end(http(`500 ${'\x1b[31m\u00e4'.repeat(200)}`)),
      /^Failure: HTTP Status Code 500, [\x20-\x7e]{1,200}$/,
    ],
  ])('%s: the request ends, and nothing is left open', async (_, answer, reason) => {
    const port = await serving(answer)
    const limits = reason.test('timed out') ? SHORT : LONG
    const found = await ask(endpoint(port), { limits })
    expect(found).toMatchObject({ isSuccess: false, status: expect.stringMatching(reason) })
    await expect.poll(() => sockets.size).toBe(0)
  })

  test('sends a body without end, of which no more is read than is looked at', async () => {
    const port = await serving((socket) => flood(socket, 'HTTP/1.1 200 OK\r\n\r\n'))
    expect(await ask(endpoint(port))).toMatchObject({ isSuccess: true })
    const searched = await ask(endpoint(port, { search: 'needle' }))
    expect(searched).toMatchObject({ isSuccess: false, status: expect.stringContaining('5120') })
    await expect.poll(() => sockets.size).toBe(0)
  })

  test('drips a body: it has so much time and no more', async () => {
    const port = await serving((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    const found = await ask(endpoint(port, { search: 'needle' }), {
      limits: { ...LONG, bodyMs: SHORT.bodyMs },
    })
    expect(found).toMatchObject({ isSuccess: false, status: expect.stringContaining('timed out') })
  })
})

describe('an endpoint asked by TCP', () => {
  test('is healthy when a connection comes about', async () => {
    const port = await serving(() => undefined)
    expect(await ask(endpoint(port, { protocol: 'tcp' }))).toEqual({
      isSuccess: true,
      status: 'Success: TCP connection established',
    })
  })

  test('where nobody listens refuses', async () => {
    const port = await serving(() => undefined)
    await new Promise((resolve) => servers.pop()!.close(resolve))
    for (const protocol of ['tcp', 'http', 'https'] as const) {
      expect(await ask(endpoint(port, { protocol }))).toEqual({
        isSuccess: false,
        status: 'Failure: Connection refused.',
      })
    }
  })
})

describe('an endpoint named by its host', () => {
  test('is looked up, and the address is told', async () => {
    const port = await serving((socket) => socket.end(http('200 OK')))
    const named = endpoint(port, { address: undefined, host: 'www.shop.test' })
    expect(await ask(named, { addressOf: async () => '127.0.0.1' })).toEqual({
      isSuccess: true,
      status: 'Success: HTTP Status Code 200, OK. Resolved IP: 127.0.0.1',
    })
    expect(await ask(named)).toEqual({
      isSuccess: false,
      status: "Failure: DNS resolution failed: no IPv4 address of 'www.shop.test' is known here.",
    })
  })

  test('is not asked at an address that it must not have', async () => {
    for (const address of ['169.254.169.254', '10.0.0.1', '192.0.2.1']) {
      const named = endpoint(80, { address: undefined, host: 'evil.test' })
      const found = await ask(named, { addressOf: async () => address })
      expect(found.isSuccess).toBe(false)
      expect(found.status).toContain(
        `The address ${address} is not one that health checks may reach`,
      )
    }
  })
})

describe('an endpoint asked by HTTPS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-probe-'))
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name))
  const { status } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=elsewhere.test'],
    ...['-days', '2', '-keyout', key!, '-out', certificate!],
  ])
  const files =
    status === 0 ? { key: readFileSync(key!), cert: readFileSync(certificate!) } : undefined
  rmSync(folder, { recursive: true })
  const why = files ? '' : ' (skipped: needs openssl)'

  test.skipIf(!files)(`is healthy whatever its certificate is${why}`, async () => {
    const names: (string | undefined)[] = []
    const port = await serving(
      (socket) => socket.end(http('200 OK', 'needle')),
      (onSocket) =>
        createTlsServer(
          {
            ...files,
            SNICallback: (name, done) => {
              names.push(name)
              done(null)
            },
          },
          onSocket,
        ),
    )
    const secure = endpoint(port, { protocol: 'https', host: 'www.shop.test', search: 'needle' })
    expect(await ask(secure)).toMatchObject({ isSuccess: true })
    expect(names).toEqual([])
    expect(await ask({ ...secure, sendsServerName: true })).toMatchObject({ isSuccess: true })
    expect(names).toEqual(['www.shop.test'])
  })

  test('that does not speak TLS is not healthy', async () => {
    const port = await serving((socket) => socket.end(http('200 OK')))
    const found = await ask(endpoint(port, { protocol: 'https' }))
    expect(found).toMatchObject({ isSuccess: false, status: expect.stringMatching(/SSL|closed/) })
  })
})

test('no room for a socket is no failure of an endpoint', async () => {
  for (const code of ['EMFILE', 'ENFILE']) {
    const named = endpoint(80, { address: undefined, host: 'www.shop.test' })
    const addressOf = async () => {
      throw Object.assign(new Error('too many open files'), { code })
    }
    await expect(ask(named, { addressOf })).rejects.toMatchObject({ code })
  }
})

test('a request ends when it is told to, and leaves nothing open', async () => {
  const port = await serving(() => undefined)
  const ending = new AbortController()
  const asked = ask(endpoint(port), {
    signal: ending.signal,
    limits: LONG,
  })
  await expect.poll(() => sockets.size).toBe(1)
  ending.abort(new Error('over'))
  await expect(asked).rejects.toThrow('over')
  await expect.poll(() => sockets.size).toBe(0)
})
