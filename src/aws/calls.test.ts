import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { awsCodeOf } from './faults.ts'
import { RegionClient } from './region-client.ts'

let server: Server | undefined
let client: RegionClient | undefined
afterEach(async () => {
  client?.close()
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
})

/** A region that answers as `answer` says; a real server on a real socket. */
async function regionThat(answer: (action: string, response: ServerResponse) => void) {
  server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const action = new URLSearchParams(body).get('Action') ?? 'unknown'
    answer(action, response)
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return clientAt(port)
}

function clientAt(port: number) {
  client = new RegionClient({
    region: 'ap-southeast-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    clock: systemClock,
  })
  return client
}

function refuse(response: ServerResponse, status: number, code: string, message: string) {
  response
    .writeHead(status, { 'content-type': 'text/xml' })
    .end(
      `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
    )
}

const describing = (status: string) =>
  `<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult><DBInstances>${status}</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>`

test('an instance that is not there is found to be undefined, and named when it must exist', async () => {
  const { rds } = await regionThat((_, response) =>
    refuse(response, 404, 'DBInstanceNotFound', 'DBInstance shop-db not found.'),
  )
  expect(await rds.findInstance('shop-db')).toBeUndefined()
  const failure = await rds.getInstance('shop-db').catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 'ResourceNotFound',
    message: expect.stringMatching(
      /could not describe DB instance 'shop-db': DBInstanceNotFound(Fault)?: DBInstance shop-db not found\./,
    ),
  })
  expect(awsCodeOf(failure)).toMatch(/^DBInstanceNotFound/)
})

test.each([
  [403, 'SignatureDoesNotMatch', 'CredentialsRefused'],
  [403, 'AccessDenied', 'CredentialsRefused'],
  [400, 'InvalidDBInstanceState', 'CallRefused'],
])('%i %s is %s', async (status, code, ours) => {
  const { rds } = await regionThat((_, response) => refuse(response, status, code, 'no'))
  await expect(rds.listInstances()).rejects.toMatchObject({
    code: ours,
    message: expect.stringContaining(code),
  })
})

test('a read is repeated after an answer that was lost', async () => {
  let asked = 0
  const { rds } = await regionThat((_, response) => {
    asked += 1
    if (asked < 3) response.destroy()
    else response.writeHead(200).end(describing(''))
  })
  expect(await rds.listInstances()).toEqual([])
  expect(asked).toBe(3)
})

test('nobody there is RegionUnreachable', async () => {
  await expect(clientAt(1).rds.listInstances()).rejects.toMatchObject({
    code: 'RegionUnreachable',
    message: expect.stringContaining("region 'ap-southeast-1' does not answer (ECONNREFUSED)"),
  })
})

test('a change without an answer is read back, not sent again', async () => {
  const asked: string[] = []
  const instance = `<DBInstance><DBInstanceIdentifier>copy</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus><TagList><Tag><Key>lifeboat:execution</Key><Value>e1</Value></Tag></TagList></DBInstance>`
  const { databaseBackups } = await regionThat((action, response) => {
    asked.push(action)
    if (action === 'RestoreDBInstanceToPointInTime') response.destroy()
    else if (asked.length < 3) refuse(response, 404, 'DBInstanceNotFound', 'not found')
    else response.writeHead(200).end(describing(instance))
  })
  const restored = await databaseBackups.restoreToPointInTime({
    source: 'shop-db',
    target: 'copy',
    to: 'latest',
    attributes: {},
    tags: {},
    mark: { key: 'lifeboat:execution', value: 'e1' },
  })
  expect(restored).toMatchObject({ identifier: 'copy', status: 'creating' })
  expect(asked.filter((action) => action === 'RestoreDBInstanceToPointInTime')).toHaveLength(1)
})

test('a change whose effect cannot be read back has an unknown outcome', async () => {
  const { databaseBackups } = await regionThat((action, response) => {
    if (action === 'RestoreDBInstanceToPointInTime') response.destroy()
    else refuse(response, 404, 'DBInstanceNotFound', 'not found')
  })
  await expect(
    databaseBackups.restoreToPointInTime({
      source: 'shop-db',
      target: 'copy',
      to: 'latest',
      attributes: {},
      tags: {},
      mark: { key: 'lifeboat:execution', value: 'e1' },
    }),
  ).rejects.toMatchObject({ code: 'OutcomeUnknown' })
})

test("somebody else's instance of that name stops the restore", async () => {
  const foreign = `<DBInstance><DBInstanceIdentifier>copy</DBInstanceIdentifier></DBInstance>`
  const asked: string[] = []
  const { databaseBackups } = await regionThat((action, response) => {
    asked.push(action)
    response.writeHead(200).end(describing(foreign))
  })
  await expect(
    databaseBackups.restoreToPointInTime({
      source: 'shop-db',
      target: 'copy',
      to: 'latest',
      attributes: {},
      tags: {},
      mark: { key: 'lifeboat:execution', value: 'e1' },
    }),
  ).rejects.toMatchObject({
    code: 'CallRefused',
    message: expect.stringContaining("'copy' exists"),
  })
  expect(asked).not.toContain('RestoreDBInstanceToPointInTime')
})

test('a function is called again when AWS did not look at the call, and not when no answer came', async () => {
  let calls = 0
  const { functions } = await regionThat((_, response) => {
    calls += 1
    if (calls === 3) return response.writeHead(200).end('{"drained":7}')
    if (calls > 3) return response.destroy()
    const headers = { 'x-amzn-errortype': 'TooManyRequestsException' }
    response.writeHead(429, headers).end('{"message":"Rate Exceeded."}')
  })
  const { signal } = new AbortController()
  expect(await functions.invoke('drain', { signal })).toMatchObject({ value: { drained: 7 } })
  expect(calls).toBe(3)
  await expect(functions.invoke('drain', { signal })).rejects.toMatchObject({
    code: 'OutcomeUnknown',
    message: "it is not known whether the call to invoke function 'drain' was carried out",
  })
  expect(calls).toBe(4)
})
