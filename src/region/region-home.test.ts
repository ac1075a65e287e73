import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { entryPoint } from '../core/entry-point.ts'
import { findProcess, isRunning } from '../postgres/process-identity.ts'
import { FolderLock } from './folder-lock.ts'
import { gone } from './home-child.ts'
import { RegionHome, type StartedRegions } from './region-home.ts'

let folder: string
let home: RegionHome
let started: StartedRegions | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-home-'))
  await chmod(folder, 0o711)
  home = new RegionHome(folder)
  started = undefined
})
afterEach(async () => {
  await started?.stop()
  await home.stop()
  await rm(folder, { recursive: true, force: true })
})

async function secretsOf(region: string): Promise<SecretsManagerClient> {
  const environment = await home.environment()
  return new SecretsManagerClient({
    region,
    endpoint: environment.AWS_ENDPOINT_URL!,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    },
    maxAttempts: 1,
  })
}

const put = async (region: string, SecretString: string) =>
  (await secretsOf(region)).send(new CreateSecretCommand({ Name: 'where', SecretString }))

const get = async (region: string) => {
  const secrets = await secretsOf(region)
  return (await secrets.send(new GetSecretValueCommand({ SecretId: 'where' }))).SecretString
}

const outcome = (
  call: Promise<unknown>,
): Promise<{ name: string; code?: string; message: string }> =>
  call.then(
    () => {
      throw new Error('the call succeeded')
    },
    (error) => error,
  )

describe('regions of a home behind one endpoint', () => {
  test('are told apart by the region that a request is signed for', async () => {
    started = await home.start(['us-east-1', 'eu-west-1'], { port: 0 })
    await put('us-east-1', 'america')
    await put('eu-west-1', 'europe')
    expect(await get('us-east-1')).toBe('america')
    expect(await get('eu-west-1')).toBe('europe')
    expect((await outcome(get('ap-south-1'))).name).toBe('InvalidSignatureException')
  })

  test('die alone, as a group, and are revived with their state', async () => {
    started = await home.start(['us-east-1', 'eu-west-1'], { port: 0 })
    await put('us-east-1', 'kept')
    await put('eu-west-1', 'alive')
    const { pid } = started.regions.find(({ name }) => name === 'us-east-1')!
    const victim = findProcess(pid!)!
    process.kill(-pid!, 'SIGKILL')
    expect(await gone(victim, 5000)).toBe(true)

    const error = await outcome(get('us-east-1'))
    expect(`${error.name} ${error.code}`).toMatch(/ECONNRESET|TimeoutError/)
    expect(await get('eu-west-1')).toBe('alive')
    const dead = (await home.status()).regions.find(({ name }) => name === 'us-east-1')
    expect(dead).toEqual({ name: 'us-east-1', status: 'stopped' })

    await home.start(['us-east-1'])
    expect(await get('us-east-1')).toBe('kept')
  })

  test('have the global services and DNS beside them, which die alone and are revived by name', async () => {
    started = await home.start(['us-east-1'], { port: 0 })
    await put('us-east-1', 'alive')
    const { dnsAddress } = await home.status()
    for (const name of ['global', 'dns'] as const) {
      const { pid } = (await home.status())[name]
      const victim = findProcess(pid!)!
      process.kill(-pid!, 'SIGKILL')
      expect(await gone(victim, 5000)).toBe(true)
      expect((await home.status())[name]).toEqual({ name, status: 'stopped' })

      expect(await get('us-east-1')).toBe('alive')
      await home.start(['us-east-1'])
      expect((await home.status())[name].status).toBe('stopped')
      await home.start([name])
      expect((await home.status())[name].status).toBe('running')
    }
    // Resolvers were told the port.
    expect(await home.status()).toMatchObject({ dnsAddress })
    expect((await home.environment()).LIFEBOAT_DNS).toBe(dnsAddress)
  })

  test('lose nothing that they had acknowledged, whenever they are killed', async () => {
    started = await home.start(['us-east-1'], { port: 0 })
    const acknowledged: string[] = []
    let attempts = 0
    for (let round = 0; round < 4; round += 1) {
      const { pid } = (await home.status()).regions[0]!
      const victim = findProcess(pid!)!
      const secrets = await secretsOf('us-east-1')
      const write = async () => {
        while (isRunning(victim)) {
          attempts += 1
          const Name = `secret-${attempts}`
          const made = secrets.send(new CreateSecretCommand({ Name, SecretString: Name }))
          await made.then(
            () => acknowledged.push(Name),
            () => secrets,
          )
        }
      }
      const writers = [write(), write(), write()]
      const enough = acknowledged.length + 20 + 7 * round
      while (acknowledged.length < enough) await systemClock.sleep(1)
      process.kill(-pid!, 'SIGKILL')
      await Promise.all(writers)
      await home.start(['us-east-1'])
    }
    const secrets = await secretsOf('us-east-1')
    for (const SecretId of acknowledged) {
      const held = await secrets.send(new GetSecretValueCommand({ SecretId }))
      expect(held.SecretString).toBe(SecretId)
    }
  })

  test('keep their keys and their state over a stop', async () => {
    started = await home.start(['us-east-1'], { port: 0 })
    const before = await home.environment()
    await put('us-east-1', 'kept')
    await started.stop()
    await started.ended

    started = await home.start([], { port: 0 })
    expect(started.regions.map(({ name }) => name)).toEqual(['us-east-1'])
    expect(await home.environment()).toMatchObject({
      AWS_ACCESS_KEY_ID: before.AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: before.AWS_SECRET_ACCESS_KEY,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    })
    expect(await get('us-east-1')).toBe('kept')
    expect((await stat(join(folder, 'credentials.json'))).mode & 0o777).toBe(0o600)
  })

  test('live on detached, and stop when they are told to', async () => {
    const detached = await home.start(['us-east-1'], { port: 0, detach: true })
    expect(detached.isForeground).toBe(false)
    const status = await home.status()
    const pids = [status.gatewayPid!, status.regions[0]!.pid!]
    const processes = pids.map((pid) => findProcess(pid)!)
    await put('us-east-1', 'x')

    await new RegionHome(folder).stop()
    expect(processes.filter(isRunning)).toEqual([])
    expect((await home.status()).endpoint).toBeUndefined()
    await home.stop()
  })

  test('end when their gateway is killed, and can be started again', async () => {
    const gateway = fork(
      entryPoint(import.meta.url, './gateway-process.ts'),
      [folder, '{"port":0}', 'us-east-1'],
      { stdio: 'ignore', execArgv: [] },
    )
    await once(gateway, 'message')
    await put('us-east-1', 'kept')
    const [region] = (await home.status()).regions
    const orphan = findProcess(region!.pid!)!

    gateway.kill('SIGKILL')
    await once(gateway, 'exit')
    expect(await gone(orphan, 10_000)).toBe(true)
    started = await home.start(['us-east-1'], { port: 0 })
    expect(await get('us-east-1')).toBe('kept')
  })
})

describe('what cannot be started says why', () => {
  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    for (const detach of [false, true]) {
      const error = await outcome(home.start(['us-east-1'], { port, detach }))
      expect(error).toMatchObject({ code: 'PortTaken' })
      expect(error.message).toContain(`${port}`)
    }
    other.close()
    expect((await home.status()).regions).toEqual([])
  })

  test('a home that has its endpoint on another port', async () => {
    started = await home.start(['us-east-1'], { port: 0 })
    const error = await outcome(home.start(['us-east-1'], { port: started.port === 1 ? 2 : 1 }))
    expect(error).toMatchObject({ code: 'AlreadyRunning' })
    expect(error.message).toContain(`process ${process.pid}`)
  })

  test('a region whose folder another process owns', async () => {
    const lock = await FolderLock.acquire(join(folder, 'regions', 'us-east-1'))
    const child = fork(entryPoint(import.meta.url, './region-process.ts'), [folder, 'us-east-1'], {
      stdio: 'ignore',
      execArgv: [],
      detached: true,
    })
    const [message] = await once(child, 'message')
    expect(message).toMatchObject({ kind: 'failed', code: 'AlreadyRunning' })
    expect(message.message).toContain(`process ${process.pid}`)
    await lock.release()
  })

  test.each(['..', 'us-east-1/../../x', '', 'US-EAST-1', 'us east 1', '__proto__'])(
    "a region named '%s'",
    async (name) => {
      expect(await outcome(home.start([name], { port: 0 }))).toMatchObject({ code: 'InvalidUsage' })
    },
  )

  test('a home that cannot be written', async () => {
    await writeFile(join(folder, 'file'), 'in the way')
    const inTheWay = new RegionHome(join(folder, 'file', 'home'))
    const error = await outcome(inTheWay.start(['us-east-1'], { port: 0 }))
    expect(error).toMatchObject({ code: 'FolderNotUsable' })
  })
})
