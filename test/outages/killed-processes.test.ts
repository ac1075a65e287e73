import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Chance } from '../trials/rounds.ts'
import { until } from '../trials/trial-region.ts'
import { BRIEFLY, brokenWorld, HERE, THERE } from './broken-world.ts'

const ROUNDS = Number(process.env.LIFEBOAT_KILLS ?? 3)

describe('any process of a home, killed with kill -9 at any moment', () => {
  const chance = new Chance()
  const world = brokenWorld()

  /** Writes rows and values of a secret until it is told to end; remembers what was acknowledged. */
  class Writer {
    readonly rows: number[] = []
    #isOver = false
    /** The last value that was acknowledged, and one of which nobody knows. */
    readonly secret = { acknowledged: 0, asked: 0 }
    readonly #runs: Promise<void>[]

    constructor(first: number) {
      this.secret = { acknowledged: first - 1, asked: first - 1 }
      this.#runs = [this.#writeRows(first), this.#writeSecrets(first)]
    }

    async end(): Promise<void> {
      this.#isOver = true
      await Promise.all(this.#runs)
    }

    async #writeRows(first: number): Promise<void> {
      for (let n = first; !this.#isOver; n += 1) {
        const isDone = await world.sql(`insert into ledger values (${n})`).then(
          () => true,
          () => false,
        )
        if (isDone) this.rows.push(n)
        else await sleep(20)
      }
    }

    async #writeSecrets(first: number): Promise<void> {
      for (let n = first; !this.#isOver; n += 1) {
        this.secret.asked = n
        const isDone = await world
          .secrets(HERE)
          .putSecretValue({ SecretId: 'ledger', SecretString: `${n}` })
          .then(
            () => true,
            () => false,
          )
        if (isDone) this.secret.acknowledged = n
        else await sleep(20)
      }
    }
  }

  test(
    `comes back with all that was acknowledged, ${ROUNDS} times (seed ${chance.seed})`,
    async () => {
      await world.sql('create table ledger (n int)')
      await world.replicateSecret(HERE, THERE, 'ledger')
      let next = 1
      for (let round = 1; round <= ROUNDS; round += 1) {
        const writer = new Writer(next)
        await sleep(chance.between(50, 600))
        const { regions, global, dns } = await world.home().status()
        const groups = [...regions, global, dns].map(({ pid }) => pid!)
        const victim = chance.pick(membersOf(chance.pick(groups)))
        const command = commandOf(victim)
        kill(victim)
        await sleep(chance.between(0, 300))
        await writer.end()
        next = Math.max(writer.secret.asked, ...writer.rows) + 1

        const what = `after ${command} was killed in round ${round}`
        await until(`all answers ${what}`, 90_000, async () => {
          // As an operator does; what runs is left alone.
          await world.home().start()
          const sights = [
            ...[await world.api(HERE, BRIEFLY), await world.api(THERE, BRIEFLY)],
            ...[await world.globalApi(BRIEFLY), await world.dns(BRIEFLY)],
            await world.database(BRIEFLY),
          ]
          return sights.every((sight) => sight === 'up')
        })
        const found = await world.sql('select n from ledger')
        const rows = new Set(found.map(({ n }) => n as number))
        expect(
          writer.rows.filter((n) => !rows.has(n)),
          what,
        ).toEqual([])
        const value = Number(await world.value(HERE, 'ledger'))
        expect([writer.secret.acknowledged, writer.secret.asked], what).toContain(value)
        await until(`the replica follows ${what}`, 60_000, async () => {
          return (
            (await world.isInSync(HERE, 'ledger')) &&
            (await world.value(THERE, 'ledger')) === `${value}`
          )
        })
        await until(
          `the service runs ${what}`,
          60_000,
          async () => (await world.tasks()).length === 2,
        )
        expect(world.taskIds().size, what).toBe(2)
      }
    },
    120_000 + ROUNDS * 60_000,
  )
})

/** Source: proc(5), fields 3 (state) and 5 (pgrp) of `stat`. */
function membersOf(group: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0)
    .filter((pid) => {
      const stat = readIfRunning(pid, 'stat')
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(pgrp) === group && state !== 'Z'
    })
}

function commandOf(pid: number): string {
  return readIfRunning(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 80)
}

function readIfRunning(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH'].includes(code)) return ''
    throw error
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
