import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../src/core/assert.ts'
import { systemClock } from '../src/core/clock.ts'
import type { PostgresBinaries } from '../src/postgres/binaries.ts'
import { Cluster } from '../src/postgres/cluster.ts'
import { Protection } from '../src/postgres/protection.ts'
import type { ConnectionTarget } from '../src/postgres/wire/connection-target.ts'

/** What the resident process can be asked. It runs and protects one cluster, as an embedded region does. */
export interface Requests {
  create: {
    input: { folder: string; templates: string; binaries: PostgresBinaries; settings: Settings }
    output: { dataDirectory: string; target: ConnectionTarget }
  }
  configure: { input: Settings; output: undefined }
  begin: { input: undefined; output: undefined }
  backUp: { input: 'full' | 'incremental'; output: undefined }
  /** Milliseconds since 1970; 0 when nothing can be restored. */
  latestRestorable: { input: undefined; output: number }
  /** Answered when the restored server is open; it goes on until it is durable. */
  restore: { input: { timeMs: number } | 'newest backup'; output: ConnectionTarget }
  untilDurable: { input: undefined; output: undefined }
  discard: { input: undefined; output: undefined }
  end: { input: undefined; output: undefined }
}

type Settings = Readonly<Record<string, string>>

const superuser = { name: 'rdsadmin', password: 'bench' }
let folder = ''
let source: Cluster | undefined
let protection: Protection | undefined
let restoring: Promise<Cluster> | undefined

const answers: {
  [Name in keyof Requests]: (input: Requests[Name]['input']) => Promise<Requests[Name]['output']>
} = {
  async create({ templates, binaries, settings, ...input }) {
    folder = input.folder
    const dataDirectory = join(folder, 'source')
    source = await Cluster.create({ dataDirectory, templates, binaries, superuser, settings })
    await source.start()
    return { dataDirectory, target: source.target() }
  },
  async configure(settings) {
    await source!.configure(settings)
    await source!.reload()
    return undefined
  },
  async begin() {
    await protection?.close()
    await rm(join(folder, 'lifeboat'), { recursive: true, force: true })
    protection = await Protection.open({ folder: join(folder, 'lifeboat'), clock: systemClock })
    protection.on('problem', (problem) => process.stderr.write(`lifeboat: ${problem}\n`))
    await protection.attach(source!)
    return undefined
  },
  async backUp(kind) {
    const backup = await protection!.backUp({ kind })
    assert(backup.kind === kind, 'the backup is of the kind that was asked for')
    return undefined
  },
  async latestRestorable() {
    return Number(protection!.latestRestorableTime() ?? 0)
  },
  async restore(to) {
    const newest = protection!.backups().at(-1)!
    return new Promise((resolve, reject) => {
      restoring = protection!.restore({
        to: to === 'newest backup' ? { backup: newest.id } : { time: new Date(to.timeMs) },
        into: join(folder, 'restored-by-lifeboat'),
        binaries: source!.binaries,
        superuser,
        settings: { autovacuum: 'off' },
        onOpen: (cluster) => resolve(cluster.target()),
      })
      restoring.catch(reject)
    })
  },
  async untilDurable() {
    await restoring
    return undefined
  },
  async discard() {
    await (await restoring)?.kill()
    await rm(join(folder, 'restored-by-lifeboat'), { recursive: true, force: true })
    restoring = undefined
    return undefined
  },
  async end() {
    await answers.discard(undefined)
    await protection?.close()
    await source?.stop('immediate')
    return undefined
  },
}

export interface Request {
  readonly name: keyof Requests
  readonly input: unknown
}

export type Reply = { readonly output: unknown } | { readonly error: string }

process.on('message', async ({ name, input }: Request) => {
  try {
    const output = await (answers[name] as (input: unknown) => Promise<unknown>)(input)
    process.send!({ output } satisfies Reply)
  } catch (error) {
    process.send!({
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
})
// The servers end with us, should whoever started us be gone.
process.on('disconnect', () => process.exit())
