import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { RegionHome } from '../../src/region/region-home.ts'
import type { S3Credentials } from './s3-client.ts'

export const REGION = 'us-east-1'
/** The region that is replicated to. */
export const OTHER_REGION = 'eu-west-1'

/** A server of S3 that runs, alone in its processes. */
export interface S3Server {
  readonly name: string
  /** What is left of an acknowledged object when the power goes, and after `kill -9`. */
  readonly keeps: string
  readonly endpoint: string
  readonly credentials: S3Credentials
  close(): Promise<void>
}

/** Versions that are known to run; from whatever registry npm is configured with. */
const FROM_NPM = ['s3rver@3.7.1', 'fauxqs@1.9.2']
const START_DEADLINE_MS = 60_000

/**
 * Lifeboat, and every other local server of S3 that this machine can have: two from npm and one that Python may have.
 *
 * @param say  is told what is left out, and why
 */
export async function startServers(
  folder: string,
  { withPeers, say }: { withPeers: boolean; say: (message: string) => void },
): Promise<S3Server[]> {
  const servers: S3Server[] = [...(await lifeboat(folder))]
  if (!withPeers) return servers
  for (const start of await peers(folder, say)) {
    try {
      servers.push(await start())
    } catch (error) {
      say(`skipped: ${error}`)
    }
  }
  return servers
}

async function lifeboat(folder: string): Promise<S3Server[]> {
  const home = new RegionHome(join(folder, 'home'))
  const { endpoint } = await home.start([REGION, OTHER_REGION], { port: 0, detach: true })
  const environment = await home.environment(REGION)
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID!,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
  }
  const { regions } = await home.status()
  const own = regions.find(({ name }) => name === REGION)!
  const keeps = 'all; all'
  return [
    { name: 'Lifeboat', keeps, endpoint, credentials, close: () => home.stop() },
    // What its one endpoint for all regions costs.
    {
      ...{ name: "Lifeboat, region's port", keeps, credentials },
      endpoint: `http://127.0.0.1:${own.port}`,
      close: async () => undefined,
    },
  ]
}

async function peers(
  folder: string,
  say: (message: string) => void,
): Promise<(() => Promise<S3Server>)[]> {
  const modules = join(folder, 'npm')
  await mkdir(modules)
  const install = ['install', '--prefix', modules, '--ignore-scripts', '--no-audit', '--no-fund']
  const installed = spawnSync('npm', [...install, '--loglevel=error', ...FROM_NPM])
  const hasMoto = spawnSync('moto_server', ['--help']).status === 0
  if (installed.status !== 0) say(`skipped: needs ${FROM_NPM.join(' and ')} from npm`)
  if (!hasMoto) say('skipped: needs moto_server of Python')
  const bin = (path: string) => join(modules, 'node_modules', path)
  const s3rver = async () => {
    const port = await freePort()
    const data = join(folder, 's3rver')
    await mkdir(data)
    const args = [bin('s3rver/bin/s3rver.js'), '--directory', data, '--port', `${port}`]
    return await started(process.execPath, [...args, '--address', '127.0.0.1', '--silent'], {
      ...{ name: 's3rver', keeps: 'what the kernel has written by then; all', port },
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    })
  }
  const fauxqs = async () => {
    const port = await freePort()
    return await started(process.execPath, [bin('fauxqs/dist/cli.js')], {
      ...{ name: 'fauxqs', keeps: 'nothing; nothing', port, credentials: ANY },
      env: { FAUXQS_PORT: `${port}`, FAUXQS_HOST: '127.0.0.1', FAUXQS_LOGGER: 'false' },
    })
  }
  const moto = async () => {
    const port = await freePort()
    return await started('moto_server', ['-H', '127.0.0.1', '-p', `${port}`], {
      ...{ name: 'moto', keeps: 'nothing; nothing', port, credentials: ANY },
    })
  }
  return [...(installed.status === 0 ? [s3rver, fauxqs] : []), ...(hasMoto ? [moto] : [])]
}

const ANY = { accessKeyId: 'test', secretAccessKey: 'test' }

async function started(
  command: string,
  args: readonly string[],
  o: Omit<S3Server, 'endpoint' | 'close'> & { port: number; env?: Record<string, string> },
): Promise<S3Server> {
  const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, ...o.env } })
  const endpoint = `http://127.0.0.1:${o.port}`
  const deadline = systemClock.monotonicMs() + START_DEADLINE_MS
  while (!(await answers(endpoint))) {
    const isOver = child.exitCode !== null || systemClock.monotonicMs() > deadline
    if (!isOver) {
      await systemClock.sleep(100)
      continue
    }
    await ended(child)
    throw new Error(`${o.name} does not answer`)
  }
  const { name, keeps, credentials } = o
  return { name, keeps, credentials, endpoint, close: () => ended(child) }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer()
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
