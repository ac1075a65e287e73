import { statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { type ErrorCode, LifeboatError } from '../core/errors.ts'
import { findPostgresBinaries } from '../postgres/binaries.ts'
import { serverAccount } from '../postgres/server-account.ts'
import type { Invocation } from './invocation.ts'

/** One thing that `lifeboat doctor` looked at. */
export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly detail: string
  readonly fix?: string
  readonly code?: ErrorCode
}

/** Below this, a demo or a restore of a small database may fill the disk. */
const COMFORTABLE_FREE_BYTES = 2 * 1024 ** 3

/** Looks at everything that Lifeboat needs on this machine. Changes nothing but to make the home. */
export async function examine({ home, environment }: Invocation): Promise<Finding[]> {
  const usable = await finding('home', async () => {
    await home.create()
    return `${home.folder} can be used`
  })
  if (usable.state === 'failed') return [node(), usable]
  return [
    node(),
    usable,
    await finding('PostgreSQL', async () => {
      const found = await findPostgresBinaries({ cache: home.postgresql, environment })
      return found.map(({ version, source }) => `${version} (${source})`).join(', ')
    }),
    account(),
    disk(home.folder),
    await port(4566),
    ownDatabase(environment),
  ]
}

function node(): Finding {
  return {
    what: 'Node',
    state: 'ok',
    detail: `${process.version} on ${process.platform} ${process.arch}`,
  }
}

async function finding(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { what, state: 'ok', detail: await look() }
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    const { code, message, hint } = error
    return { what, state: 'failed', detail: message, code, ...(hint ? { fix: hint } : {}) }
  }
}

function account(): Finding {
  const other = serverAccount()
  const detail = other
    ? `you are root, so servers run under uid ${other.uid}`
    : 'servers run under your own account'
  return { what: 'account', state: 'ok', detail }
}

function disk(folder: string): Finding {
  try {
    const { bavail, bsize } = statfsSync(folder)
    const freeBytes = bavail * bsize
    const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free in the home`
    if (freeBytes >= COMFORTABLE_FREE_BYTES) return { what: 'disk', state: 'ok', detail }
    return {
      what: 'disk',
      state: 'warning',
      detail,
      fix: 'Free some space, or use another --home.',
    }
  } catch (cause) {
    return { what: 'disk', state: 'warning', detail: (cause as Error).message }
  }
}

/** The default port of `lifeboat region start`; a region of ours that runs takes it too. */
async function port(number: number): Promise<Finding> {
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(number, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
  if (isFree) return { what: 'port', state: 'ok', detail: `${number} is free` }
  return {
    what: 'port',
    state: 'warning',
    detail: `${number} is taken: by a region that runs, or by another program`,
    fix: 'Choose another with: lifeboat region start --port N.',
  }
}

function ownDatabase(environment: NodeJS.ProcessEnv): Finding {
  const url = environment.DATABASE_URL
  if (!url) return { what: 'state', state: 'ok', detail: 'an embedded PostgreSQL in the home' }
  const { host } = new URL(url)
  return {
    what: 'state',
    state: 'warning',
    detail: `in DATABASE_URL at ${host}; it must not live in a region that it helps to recover`,
  }
}
