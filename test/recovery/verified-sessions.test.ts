import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster } from '../../src/postgres/cluster.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import { Database, type DatabaseLogin } from '../../src/probe/database.ts'
import { readWorkload } from '../../src/recovery/workload-file.ts'
import { ProtectedClusters, superuser } from '../harness/protected-cluster.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
let world: ProtectedClusters
let cluster: Cluster

beforeAll(async () => {
  world = await ProtectedClusters.open('verified')
  if (!hasOpenssl) return
  authority('ours')
  authority('foreign')
  certificate('named', 'IP:127.0.0.1')
  certificate('misnamed', 'DNS:elsewhere.example')
  await giveTo(world.folder, serverAccount())
  cluster = await world.startAlone('shop', { settings: settingsFor('named') })
})
afterAll(() => world.close())

const file = (name: string) => join(world.folder, name)
const settingsFor = (name: string) => ({
  ssl: 'on',
  log_connections: 'on',
  ssl_cert_file: file(`${name}.pem`),
  ssl_key_file: file(`${name}.key`),
})

function loginsAt(server: Cluster): number {
  const log = readFileSync(`${server.dataDirectory}.log`, 'utf8')
  return log.match(/connection authorized: .*application_name=lifeboat:test/g)?.length ?? 0
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

function authority(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-newkey', 'rsa:2048']
  openssl('req', '-x509', ...subject, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`))
}

function certificate(name: string, alternative: string): void {
  writeFileSync(file(`${name}.ext`), `subjectAltName=${alternative}`)
  const [key, request] = [file(`${name}.key`), file(`${name}.csr`)]
  const subject = ['-subj', '/CN=db', '-nodes', '-newkey', 'rsa:2048']
  openssl('req', ...subject, '-keyout', key, '-out', request)
  const signer = ['-CA', file('ours.pem'), '-CAkey', file('ours.key'), '-CAcreateserial']
  const extensions = ['-extfile', file(`${name}.ext`), '-days', '2']
  openssl('x509', '-req', '-in', request, ...signer, ...extensions, '-out', file(`${name}.pem`))
}

function open(server: Cluster, tls: NonNullable<DatabaseLogin['tls']>): Promise<Database> {
  const { host, port } = server.target()
  const login = { host, port, user: superuser.name, password: superuser.password, tls }
  return Database.open({ ...login, database: 'postgres' }, { purpose: 'test' })
}

test('a session goes on with a server whose certificate comes from a trusted authority', async (context) => {
  if (!hasOpenssl) return context.skip('skipped: needs openssl')
  const session = await open(cluster, { authorities: file('ours.pem') })
  const encrypted = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
  expect(await session.one(encrypted)).toEqual({ ssl: 't' })
  await session.close()
})

test.each([
  ['from another authority', 'named', 'foreign.pem'],
  ['for another name', 'misnamed', 'ours.pem'],
])('a certificate %s is refused before anybody logs in', async (_, name, authorities) => {
  if (!hasOpenssl) return
  const server =
    name === 'named' ? cluster : await world.startAlone(name, { settings: settingsFor(name) })
  const before = loginsAt(server)
  await expect(open(server, { authorities: file(authorities) })).rejects.toMatchObject({
    code: 'DatabaseUnreachable',
    message: expect.stringContaining('is not trusted'),
  })
  expect(loginsAt(server)).toBe(before)
  // Without authorities the same server is spoken to, encrypted: who it is nobody checks.
  await (await open(server, 'require')).close()
  expect(loginsAt(server)).toBe(before + 1)
})

test('a workload file that names no readable file of authorities is refused at its place', async () => {
  const folder = file('workload')
  mkdirSync(folder)
  const path = join(folder, 'lifeboat.yaml')
  const text = (name: string) => `workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: eu-west-1 }
database:
  instance: shop-db
  secret: shop/database
  certificates: ${name}
checks: [{ name: any, sql: select 1, expect: 1 }]
`
  writeFileSync(path, text('missing.pem'))
  await expect(readWorkload(path)).rejects.toMatchObject({
    code: 'WorkloadFileInvalid',
    message: expect.stringMatching(/^lifeboat\.yaml:7:17 .*missing\.pem' cannot be read$/),
  })
  writeFileSync(join(folder, 'authorities.pem'), '')
  writeFileSync(path, text('authorities.pem'))
  const { database } = await readWorkload(path)
  expect(database.certificates).toBe(join(folder, 'authorities.pem'))
})
