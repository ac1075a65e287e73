import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../core/clock.ts'
import { entryPoint } from '../../core/entry-point.ts'
import { LifeboatError } from '../../core/errors.ts'
import { Companion } from './companion.ts'

const STARTS_WITHIN_MS = 15_000

/** What the customers have counted since they began. */
export interface Traffic {
  readonly acknowledged: number
  readonly refused: number
  /** Why the last order was refused. */
  readonly lastRefusal?: string
}

/**
 * The shop of `examples/shop`, as processes of their own: Lifeboat sees nothing of them but what any
 * workload shows, an endpoint and a database.
 */
export class Shop {
  readonly ledgerFile: string
  readonly #companions = new Set<Companion>()
  #customers: Companion | undefined
  #traffic: Traffic = { acknowledged: 0, refused: 0 }

  /**
   * @param environment  how the AWS SDK finds the region: endpoint, keys, region
   * @param evidence     an existing folder, where the ledger goes: outside of the database
   * @param logs         an existing folder for what the processes print
   */
  constructor(
    private readonly o: {
      environment: NodeJS.ProcessEnv
      evidence: string
      logs: string
      clock: Clock
    },
  ) {
    this.ledgerFile = join(o.evidence, 'orders.jsonl')
  }

  get traffic(): Traffic {
    return this.#traffic
  }

  /** Makes the DB instance, the secret and the bucket. Resolves when the instance is available. */
  async provision(): Promise<{ version: string; host: string; port: number }> {
    return JSON.parse(await this.#finish('provision'))
  }

  /** Makes a second region ready, and runs the service in both, by ECS. */
  async provisionRecovery(o: {
    region: string
    strategy: string
    port: number
    /** Where the home of the regions says what tasks may run. */
    images: string
  }): Promise<{ standby: string | null; replica: string; name: string }> {
    const service = entryPoint(import.meta.url, '../../../examples/shop/service.ts')
    const shop = {
      entryPoint: [process.execPath, fileURLToPath(service)],
      workingDirectory: this.o.evidence,
      environment: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
      allowEnvironment: ['SHOP_*'],
      asOwner: true,
    }
    writeFileSync(join(o.images, 'images.json'), JSON.stringify({ shop }), { mode: 0o600 })
    return JSON.parse(
      await this.#finish('recovery-region', {
        SHOP_RECOVERY_REGION: o.region,
        SHOP_STRATEGY: o.strategy,
        SHOP_PORT: String(o.port),
      }),
    )
  }

  /** Creates the tables and fills them. */
  async load(): Promise<{ customers: number; orders: number; receipts: number }> {
    return JSON.parse(await this.#finish('load'))
  }

  /** Starts the service; resolves to its address when it listens. */
  async open(): Promise<string> {
    return new Promise((resolve, reject) => {
      const service = this.#start('service', { SHOP_PORT: '0' }, (line) => {
        const url = /^listening on (\S+)$/.exec(line)?.[1]
        if (url) resolve(url)
      })
      const fail = (why: string) =>
        reject(new LifeboatError('Unexpected', `the shop did not start: ${why}`))
      void service.ended.then((end) => fail(`it ended with ${end}`))
      void this.o.clock.sleep(STARTS_WITHIN_MS).then(() => fail('it did not listen in time'))
    })
  }

  /** Lets customers in: about 50 orders a second, until `closeDoors`. */
  letCustomersIn(url: string): void {
    const environment = { SHOP_URL: url, SHOP_LEDGER: this.ledgerFile }
    this.#customers = this.#start('customers', environment, (line) => {
      this.#traffic = JSON.parse(line)
    })
  }

  /** What `scene` resolves to, unless the service or the customers end before: nobody waits for a shop that is gone. */
  async whileOpen<Result>(scene: Promise<Result>): Promise<Result> {
    return Promise.race([scene, ...[...this.#companions].map((companion) => companion.last())])
  }

  /** Sends the customers home; every order that was acknowledged is in the ledger after this. */
  async closeDoors(): Promise<void> {
    await this.#customers?.stop()
  }

  /** Somebody deletes the receipts of May and sets the total of every order to 0. Resolves to how many. */
  async makeMistake(): Promise<{ orders: number; receipts: number }> {
    return JSON.parse(await this.#finish('mistake'))
  }

  /** Ends all of its processes, the customers first. */
  async stop(): Promise<void> {
    await this.closeDoors()
    await Promise.all([...this.#companions].map((companion) => companion.stop()))
  }

  async #finish(
    program: 'provision' | 'recovery-region' | 'load' | 'mistake',
    environment: NodeJS.ProcessEnv = {},
  ): Promise<string> {
    let lastLine = ''
    const companion = this.#start(program, environment, (line) => {
      lastLine = line
    })
    await companion.succeed()
    return lastLine
  }

  #start(name: string, environment: NodeJS.ProcessEnv, onLine: (line: string) => void): Companion {
    const companion = Companion.start({
      name: `the shop's ${name}`,
      program: entryPoint(import.meta.url, `../../../examples/shop/${name}.ts`),
      environment: { ...this.o.environment, ...environment },
      log: join(this.o.logs, `shop-${name}.log`),
      clock: this.o.clock,
      onLine,
    })
    this.#companions.add(companion)
    void companion.ended.then(() => this.#companions.delete(companion))
    return companion
  }
}
