import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ModifyDBInstanceCommand } from '@aws-sdk/client-rds'
import { RegionClient, type RegionClientOptions } from '../../src/aws/region-client.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import { systemRandom as random } from '../../src/core/random.ts'
import { recoveryTools } from '../../src/recovery/recovery.ts'
import { outputsOf } from '../../src/recovery/report.ts'
import type { DataCorruption } from '../../src/recovery/runbooks/data-corruption/tools.ts'
import { dataCorruption } from '../../src/recovery/runbooks/data-corruption.ts'
import type { RunbookWorld } from '../../src/runbook/crash-tests.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'
import { TrialRegion } from '../trials/trial-region.ts'
import { CrashShop, FIRST_ORDERS, PARAMETERS } from './crash-shop.ts'

/** What a process that executes the runbook is told. */
export interface CrashWorld {
  readonly name: string
  readonly input: DataCorruption
  readonly aws: Omit<RegionClientOptions, 'clock'>
}

/** One region, in processes of its own, in which each case has a damaged shop of its own. */
export class CrashWorlds implements RunbookWorld<CrashWorld> {
  readonly runbook = dataCorruption
  readonly #shops = new Map<string, CrashShop>()
  #clients: RegionClient[] = []
  #worlds = 0

  private constructor(
    private readonly trial: TrialRegion,
    readonly postgres: StatePostgres,
    private readonly database: StateDatabase,
  ) {}

  static async start(): Promise<CrashWorlds> {
    const trial = await TrialRegion.start('crash')
    await trial.rememberCommitTimes(PARAMETERS)
    const postgres = await startStatePostgres()
    return new CrashWorlds(trial, postgres, await StateDatabase.open(postgres.url))
  }

  async end(): Promise<void> {
    await this.database.close()
    await this.postgres.stop()
    await this.trial.end()
  }

  async create(): Promise<CrashWorld> {
    this.#worlds += 1
    const name = `shop-${this.#worlds}`
    const shop = await CrashShop.damaged(name, this.trial, this.database)
    this.#shops.set(name, shop)
    const { maxAttempts: _, ...aws } = this.trial.client
    return { name, input: shop.input, aws }
  }

  input(world: CrashWorld): DataCorruption {
    return world.input
  }

  tools(world: CrashWorld, { database, executions }: Parameters<RunbookWorld<never>['tools']>[1]) {
    const region = new RegionClient({ ...world.aws, clock })
    this.#clients.push(region)
    const around = { region, reach: async () => region, database, clock, random }
    return recoveryTools(around, (id) => executions.get(id))
  }

  /** Everything as it is seen from outside: by the AWS API, by SQL and in files. */
  async effects(world: CrashWorld, execution: Execution) {
    const shop = this.#shops.get(world.name)!
    await shop.close()
    const { status, verdict } = execution
    const restored = outputsOf(execution).restore!.instance
    const instances = (await this.#instancesOf(shop)).map((one) =>
      one === shop.name ? 'source' : one === restored ? 'restored' : one,
    )
    return {
      status,
      verdict,
      instances,
      source: await this.#source(shop),
      restored: await this.#restored(shop, restored),
      secret: await this.#secret(shop, restored),
      orders: await ordersOf(shop),
      putBack: putBackOf(execution),
      files: filesOf(shop, execution),
    }
  }

  /** Only the source is left, its consumers write to it, and the secret was not touched. */
  async isUntouched({ name }: CrashWorld): Promise<boolean> {
    const shop = this.#shops.get(name)!
    await shop.sql("INSERT INTO customers (name) VALUES ('after')")
    const { port } = await this.trial.login(name)
    const instances = await this.#instancesOf(shop)
    return instances.join() === name && (await shop.secret()).port === port
  }

  async remove({ name }: CrashWorld): Promise<void> {
    const shop = this.#shops.get(name)!
    this.#shops.delete(name)
    await shop.close()
    for (const client of this.#clients.splice(0)) client.close()
    for (const instance of await this.#instancesOf(shop)) {
      await this.#unprotect(instance)
      await this.trial.delete(instance)
    }
  }

  async #unprotect(instance: string): Promise<void> {
    const { rds } = this.trial
    const change = { DBInstanceIdentifier: instance, DeletionProtection: false }
    await rds.send(new ModifyDBInstanceCommand({ ...change, ApplyImmediately: true }))
  }

  async #instancesOf({ name }: CrashShop): Promise<string[]> {
    const names = (await this.trial.instances()).map((one) => one.DBInstanceIdentifier!)
    return names.filter((one) => one === name || one.startsWith(`${name}-`)).sort()
  }

  /** Kept, protected from deletion, as damaged as it was, and closed to writes. */
  async #source(shop: CrashShop) {
    const instance = await this.trial.describe(shop.name)
    const [found] = await shop.sql(
      `SELECT count(*) FROM orders WHERE id <= ${FIRST_ORDERS} AND total = 0`,
      shop.name,
    )
    const write = shop.sql("INSERT INTO customers (name) VALUES ('late')", shop.name)
    return {
      isProtected: instance?.DeletionProtection,
      damaged: Number(found?.count),
      write: await write.then(
        () => 'accepted',
        (error: { code?: string }) => error.code,
      ),
    }
  }

  async #restored(shop: CrashShop, identifier: string) {
    const instance = await this.trial.describe(identifier)
    return {
      status: instance?.DBInstanceStatus,
      backups: [instance?.BackupRetentionPeriod, instance?.PreferredBackupWindow],
      parameters: instance?.DBParameterGroups?.map((one) => [
        one.DBParameterGroupName,
        one.ParameterApplyStatus,
      ]),
      service: instance?.TagList?.find((tag) => tag.Key === 'service')?.Value,
      remembersCommitTimes: (await shop.sql('SHOW track_commit_timestamp', identifier))[0],
      isRestorable: instance?.LatestRestorableTime !== undefined,
    }
  }

  /** Where it points to, and pointed to before: a second move would make both the same. */
  async #secret(shop: CrashShop, restored: string) {
    const ports = [shop.name, restored].map(async (one) => (await this.trial.login(one)).port)
    const [source, target] = await Promise.all(ports)
    const nameOf = (port: number) =>
      port === target ? 'restored' : port === source ? 'source' : `port ${port}`
    const [now, before] = await Promise.all([shop.secret(), shop.secret('AWSPREVIOUS')])
    return { pointsTo: nameOf(now.port), pointedTo: nameOf(before.port), note: now.note }
  }
}

/** The ledger and the database side by side. */
async function ordersOf(shop: CrashShop) {
  const rows = await shop.sql(
    `SELECT o.id::text, total::text, count(l.order_id)::text AS items
       FROM orders o LEFT JOIN line_items l ON l.order_id = o.id GROUP BY o.id`,
  )
  const found = new Map(rows.map((row) => [row.id, row]))
  const lost = shop.ledger().filter(({ id, total }) => found.get(id)?.total !== total)
  const first = rows.filter(({ id }) => Number(id) <= FIRST_ORDERS)
  const known = new Set(shop.ledger().map(({ id }) => id))
  const strange = rows.filter(({ id }) => Number(id) > FIRST_ORDERS && !known.has(id!))
  return {
    lost,
    first: first.length,
    altered: first.filter(({ id, total }) => Number(total) !== Number(id) + 10),
    withoutItsItem: rows.filter(({ items }) => items !== '1'),
    // An order that was not answered may be there.
    strange: strange.length > shop.unanswered ? strange : [],
  }
}

function putBackOf(execution: Execution) {
  const { salvage, 'put-back': putBack } = outputsOf(execution)
  const { salvaged = 0, conflicts, lost } = salvage ?? {}
  return {
    isSomething: salvaged > 0,
    isAll: putBack?.rows === salvaged && putBack.missing === 0,
    conflicts,
    lost,
  }
}

/** What the incident's folder holds when everything in it is whole. */
export const INCIDENT = {
  folders: 1,
  files: ['conflicts.sql', 'incident.md', 'lost.sql', 'salvage.sql'],
  isSalvageAsRecorded: true,
  sections: [
    'Incident: data corruption in shop',
    'What happened',
    'Timeline',
    'Measured',
    'What was lost',
    'How it was proven',
    'The new instance',
    'The old instance',
    'Who was told',
    'Root cause',
    'Prevention',
  ],
  hasItsEnd: true,
}

function filesOf(shop: CrashShop, execution: Execution): typeof INCIDENT {
  const folder = join(shop.incidents, execution.id)
  const { salvage, document } = outputsOf(execution)
  const rows = readFileSync(salvage!.paths.salvage)
  const incident = readFileSync(document!.incidentFile, 'utf8')
  const sections = [...incident.matchAll(/^##? (.*)/gm)].map(([, title]) => title!)
  return {
    folders: readdirSync(shop.incidents).length,
    files: readdirSync(folder).sort(),
    isSalvageAsRecorded: createHash('sha256').update(rows).digest('hex') === salvage?.sha256,
    sections: sections.map((title) => title.replace(shop.name, 'shop')),
    hasItsEnd: incident.endsWith('|  |  |  |  |\n'.repeat(3)),
  }
}
