import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { post } from './post.ts'

const servers: ReturnType<typeof createServer>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function endpoint(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

async function outcomeAt(url: string, signal = new AbortController().signal) {
  return await post(url, { headers: {}, body: 'body', reach: 'loopback', signal })
}

test.each([
  [200, 'delivered'],
  [204, 'delivered'],
  [301, 'refused'],
  [307, 'refused'],
  [400, 'refused'],
  [403, 'refused'],
  [429, 'away'],
  [500, 'away'],
  [503, 'away'],
])('an answer of %i means %s', async (status, kind) => {
  const url = await endpoint((_, response) => response.writeHead(status).end())
  expect(await outcomeAt(url)).toMatchObject({ kind })
})

test('a redirection is not followed', async () => {
  let followed = 0
  const target = await endpoint((_, response) => {
    followed += 1
    response.end()
  })
  const url = await endpoint((_, response) => response.writeHead(307, { location: target }).end())
  expect(await outcomeAt(url)).toMatchObject({ kind: 'refused' })
  expect(followed).toBe(0)
})

test('an answer without end is cut, and its status counts', async () => {
  let written = 0
  const url = await endpoint((_, response) => {
    response.writeHead(200)
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384))) written += 16_384
    }
    response.on('drain', more)
    more()
  })
  expect(await outcomeAt(url)).toEqual({ kind: 'delivered' })
  expect(written).toBeLessThan(64 * 1024 * 1024)
})

test('an endpoint that answers with nothing, or is not there, is away', async () => {
  const mute = await endpoint((request) => request.socket.destroy())
  expect(await outcomeAt(mute)).toMatchObject({ kind: 'away' })
  const url = await endpoint(() => undefined)
  servers.at(-1)!.close()
  expect(await outcomeAt(url)).toMatchObject({ kind: 'away', reason: 'ECONNREFUSED' })
})

test('a request ends with its signal', async () => {
  const ending = new AbortController()
  const url = await endpoint(() => ending.abort())
  expect(await outcomeAt(url, ending.signal)).toMatchObject({ kind: 'away' })
})

test('other machines are not asked, whatever their name', async () => {
  for (const host of ['10.0.0.1', '169.254.169.254', '[fe80::1]']) {
    const outcome = await outcomeAt(`http://${host}:9/`)
    expect(outcome).toMatchObject({ kind: 'refused', reason: /may be reached/ })
  }
})
