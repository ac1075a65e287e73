import { createHash, createHmac, pbkdf2Sync, randomBytes, randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { LifeboatError } from '../../core/errors.ts'
import { Connection } from './connection.ts'
import type { ConnectionTarget } from './connection-target.ts'
import { saslPrep } from './sasl-prep.ts'
import { ServerError } from './server-error.ts'

let server: Server | undefined
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  if (server) await new Promise((resolve) => server!.close(resolve))
  server = undefined
})

/** Only where nobody answers is it waited for; a busy machine answers late. */
const PATIENCE_MS = 60_000

type Answer = (sent: Buffer) => Buffer | 'close' | 'silence'

/** A server that answers each piece that a client sends, in turn, with what `answers` says. */
async function serve(...answers: Answer[]) {
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    let turn = 0
    socket.on('data', (sent: Buffer) => {
      const answer = answers[Math.min(turn++, answers.length - 1)]!(sent)
      if (answer === 'close') socket.destroy()
      else if (answer !== 'silence') socket.write(answer)
    })
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as { port: number }
  return { host: '127.0.0.1', port, user: 'u', password: 'p', connectTimeoutMs: PATIENCE_MS }
}

function message(type: string, ...parts: (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part)
      return typeof part === 'number' ? int32(part) : part
    }),
  )
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

const loggedIn = Buffer.concat([message('R', 0), message('Z', 'I')])
const failureOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('a log-in that cannot succeed', () => {
  const DOWN = 'DatabaseUnreachable'
  const REFUSED = 'CredentialsRefused'
  const error = (sqlstate: string) => message('E', `SFATAL\0C${sqlstate}\0Mno\0\0`)
  test.each<[string, Answer, string, number?]>([
    ['nobody answers', () => 'silence', DOWN, 200],
    ['the server hangs up', () => 'close', DOWN],
    ['it is not PostgreSQL', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), DOWN],
    ['a message is longer than any', () => Buffer.from('R\xff\xff\xff\xff', 'latin1'), DOWN],
    ['a message before the log-in is huge', () => Buffer.from('R\x00\x0f\xff\xff', 'latin1'), DOWN],
    ['a message has no content', () => message('R'), DOWN],
    ['the password is asked for in clear', () => message('R', 3), REFUSED],
    ['the password is asked for as MD5', () => message('R', 5, 'salt'), REFUSED],
    ['only another mechanism is offered', () => message('R', 10, 'GSSAPI\0\0'), REFUSED],
    ['the server is starting', () => error('57P03'), DOWN],
    ['no connection slot is free', () => error('53300'), DOWN],
    ['the password is wrong', () => error('28P01'), REFUSED],
  ])('when %s', async (_, answer, code, connectTimeoutMs = PATIENCE_MS) => {
    const target = { ...(await serve(answer)), connectTimeoutMs }
    const failure = await failureOf(Connection.open(target))
    expect(failure).toBeInstanceOf(LifeboatError)
    expect(failure).toMatchObject({ code, hint: expect.any(String) })
    expect((failure as Error).message).toContain(`${target.port}`)
  })

  test('when nothing listens there, also under a name with several addresses', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const failure = await failureOf(
        Connection.open({ host, port: 1, user: 'u', password: 'p', connectTimeoutMs: PATIENCE_MS }),
      )
      expect(failure).toMatchObject({ code: DOWN })
      expect((failure as Error).message).toMatch(/ECONNREFUSED/)
    }
  })

  test('when the server does not offer the TLS that is required, or talks on beside it', async () => {
    for (const answer of ['N', 'Sx']) {
      const target = await serve(() => Buffer.from(answer))
      expect(await failureOf(Connection.open({ ...target, tls: 'require' }))).toMatchObject({
        code: DOWN,
      })
    }
  })

  test('when it is given up', async () => {
    const target = await serve(() => 'silence')
    const ending = new AbortController()
    const attempt = failureOf(Connection.open(target, { signal: ending.signal }))
    const reason = new Error('enough')
    ending.abort(reason)
    expect(await attempt).toBe(reason)
    await expect(Connection.open(target, { signal: ending.signal })).rejects.toBe(reason)
  })
})

/** The server's side of SCRAM; with `knows` false it cannot prove that it has the verifier. */
function scram(o: { password: string; proves: 'rightly' | 'wrongly' | 'never' }) {
  let authMessage = ''
  let salted = Buffer.alloc(0)
  const salt = randomBytes(16)
  return [
    () => message('R', 10, 'SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0'),
    (sent: Buffer) => {
      const firstBare = sent.toString('latin1').split('n,,')[1]!
      const serverFirst = `r=${firstBare.split('r=')[1]}x,s=${salt.toString('base64')},i=4096`
      salted = pbkdf2Sync(o.password, salt, 4096, 32, 'sha256')
      authMessage = `${firstBare},${serverFirst}`
      return message('R', 11, serverFirst)
    },
    (sent: Buffer) => {
      const final = sent.toString('latin1', 5)
      const withoutProof = final.split(',p=')[0]!
      const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
      const clientKey = hmac(salted, 'Client Key')
      const stored = createHash('sha256').update(clientKey).digest()
      const signature = hmac(stored, `${authMessage},${withoutProof}`)
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
      expect(final.split(',p=')[1]).toBe(proof.toString('base64'))
      if (o.proves === 'never') return loggedIn
      const serverKey = hmac(salted, 'Server Key')
      const text = `${authMessage},${withoutProof}${o.proves === 'wrongly' ? '!' : ''}`
      return Buffer.concat([
        message('R', 12, `v=${hmac(serverKey, text).toString('base64')}`),
        loggedIn,
      ])
    },
  ]
}

test('trusts only a server that proves that it knows the password', async () => {
  const password = 'pencil\u00a0ﬀ'
  const prepared = 'pencil ff'
  const right = await Connection.open({
    ...(await serve(...scram({ password: prepared, proves: 'rightly' }))),
    password,
  })
  right.destroy()
  server!.close()
  for (const proves of ['wrongly', 'never'] as const) {
    const target = await serve(...scram({ password: prepared, proves }))
    const failure = await failureOf(Connection.open({ ...target, password }))
    expect(failure).toBeInstanceOf(LifeboatError)
    server!.close()
  }
})

test('prepares passwords as PostgreSQL does', () => {
  // RFC 4013, section 3; what may not be prepared is taken as it is.
  const examples = { 'I\u00adX': 'IX', user: 'user', USER: 'USER', '\u00aa': 'a', '\u2168': 'IX' }
  for (const [password, prepared] of Object.entries(examples)) {
    expect(saslPrep(password)).toBe(prepared)
  }
  for (const password of ['\u0007', '\u00ad', '']) expect(saslPrep(password)).toBe(password)
})

describe('a query', () => {
  const rows = (...values: (string | null)[]) =>
    Buffer.concat([
      message('T', int16(1), 'a\0', Buffer.alloc(18)),
      ...values.map((value) =>
        message('D', int16(1), value === null ? -1 : Buffer.byteLength(value), value ?? ''),
      ),
      message('C', 'SELECT\0'),
    ])
  const ready = message('Z', 'I')

  const open = async (...answers: Parameters<typeof serve>) => {
    const target: ConnectionTarget = await serve(() => loggedIn, ...answers)
    return Connection.open(target)
  }

  test('returns rows however the answer is cut, and goes on after an error', async () => {
    const long = 'é'.repeat(300_000)
    const answer = Buffer.concat([message('N', 'x\0'), rows('1', null, long), rows('2'), ready])
    const connection = await open(
      () => {
        // One byte at a time for a while, then the rest.
        const socket = [...sockets].at(-1)!
        for (let at = 0; at < 60; at++) socket.write(answer.subarray(at, at + 1))
        return answer.subarray(60)
      },
      () => Buffer.concat([message('E', 'SERROR\0C42P01\0Mno such table\0\0'), ready]),
      () => Buffer.concat([rows('3'), ready]),
    )
    expect(await connection.query('a')).toEqual([{ a: '1' }, { a: null }, { a: long }, { a: '2' }])
    const failure = await failureOf(connection.query('b'))
    expect(failure).toBeInstanceOf(ServerError)
    expect(failure).toMatchObject({ sqlstate: '42P01', message: 'no such table' })
    expect(await connection.query('c')).toEqual([{ a: '3' }])
    connection.destroy()
  })

  test('ends at its deadline', async () => {
    const connection = await open(() => 'silence')
    const failure = await failureOf(connection.query('a', { timeoutMs: 50 }))
    expect(failure).toMatchObject({ code: 'DatabaseUnreachable' })
    expect(await failureOf(connection.query('b'))).toMatchObject({ code: 'DatabaseUnreachable' })
  })

  test('never hangs on, nor is fooled by, what is not the protocol', async () => {
    const letters = 'TDCZENSRGHdc'
    for (let round = 0; round < 300; round++) {
      const answer = Buffer.concat(
        Array.from({ length: 1 + randomInt(5) }, () =>
          message(letters[randomInt(letters.length)]!, randomBytes(randomInt(40))),
        ),
      )
      const connection = await open(() => {
        const socket = [...sockets].at(-1)
        setImmediate(() => socket?.end())
        return answer
      })
      const failure = await failureOf(connection.query('a'))
      const isKnown = failure === undefined || failure instanceof LifeboatError
      expect(isKnown || failure instanceof ServerError, answer.toString('hex')).toBe(true)
      connection.destroy()
      server!.close()
    }
  })
})

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
