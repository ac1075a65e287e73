import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBParameterGroupCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  PromoteReadReplicaCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseLsn } from '../../../src/core/lsn.ts'
import {
  Acknowledgements,
  COMMITS,
  type Counts,
  committedAt,
  missing,
  sumOf,
} from '../../trials/acknowledgements.ts'
import { Chance } from '../../trials/rounds.ts'
import { until } from '../../trials/trial-region.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { loginOf, sql } from './rds-under-test.ts'

const KILLS = Number(process.env.LIFEBOAT_KILLS ?? 1)
/** Asynchronous rounds only say what the synchronous ones are compared with. */
const LOSSES = Math.ceil(KILLS / 5)
const PROMOTED_WITHIN_MS = 2_000
/** Of fewer promotions the median tells of the machine's other work as much as of them. */
const TIMED_FROM_KILLS = 5
const WRITERS = 4
const GROUP = 'waiting'

const chance = new Chance()
const world = rdsOfTwoRegions()

/** What one loss of a region has shown; rates in commits a second, times in milliseconds. */
interface Loss {
  readonly rate: number
  readonly promotedMs: number
  readonly acknowledged: number
  readonly lost: number
  /** As many acknowledged commits had not arrived when that was measured last, or came after it. */
  readonly bound: number
}

describe(`a region killed under load (seed ${chance.seed})`, () => {
  /** The database, where it is at this moment, and the replica in the other region. */
  let [home, away] = [HERE, THERE]
  let shop: DBInstance
  let replica: DBInstance
  let counts: Counts = new Map()
  let made = 0

  const setReplicas = (region: string, ParameterValue: string) =>
    world.rds(region).send(
      new ModifyDBParameterGroupCommand({
        DBParameterGroupName: GROUP,
        Parameters: [
          {
            ParameterName: 'lifeboat.synchronous_replicas',
            ParameterValue,
            ApplyMethod: 'immediate',
          },
        ],
      }),
    )
  const replicate = async () => {
    const identifier = `shop-${++made}`
    await world.replicate(away, identifier, shop, { DBParameterGroupName: GROUP })
    replica = await world.until(away, identifier, 'available')
  }

  beforeAll(async () => {
    for (const region of [HERE, THERE]) {
      await world.rds(region).send(
        new CreateDBParameterGroupCommand({
          DBParameterGroupName: GROUP,
          DBParameterGroupFamily: 'postgres18',
          Description: 'commits wait for another region',
        }),
      )
      await setReplicas(region, '1')
    }
    shop = await world.create(HERE, 'shop-0', { DBParameterGroupName: GROUP })
    await sql(shop, COMMITS)
    await replicate()
  })

  /** Where the source is and how many commits had been acknowledged before that; again and again until it ends. */
  const marksOf = (writers: Acknowledgements) => {
    const marks: { counts: Counts; lsn: bigint }[] = []
    const look = async () => {
      const before = writers.counts()
      const [row] = await sql(shop, 'select pg_current_wal_flush_lsn()::text lsn')
      marks.push({ counts: before, lsn: parseLsn(row?.lsn as string) })
    }
    return { look, marks }
  }

  /** How long until the first write is accepted, in milliseconds. */
  const promote = async (): Promise<number> => {
    const { DBInstanceIdentifier } = replica
    const askedAt = performance.now()
    await world.rds(away).send(new PromoteReadReplicaCommand({ DBInstanceIdentifier }))
    await until('the promoted replica accepts a write', 60_000, async () => {
      try {
        await sql(replica, 'create table if not exists promotions (); drop table promotions')
        return true
      } catch {
        return false
      }
    })
    return performance.now() - askedAt
  }

  /** Loses the region of the database under load, and goes on in the other one. By turns the link between them breaks first. */
  const lose = async (o: { isCut: boolean; mayLose: boolean }): Promise<Loss> => {
    const { isCut, mayLose } = o
    const writers = new Acknowledgements(loginOf(shop), counts)
    const { look, marks } = marksOf(writers)
    await look()
    const [startedAt, before] = [performance.now(), sumOf(counts)]
    writers.write(WRITERS)
    await sleep(chance.between(400, 1_200))
    await untilMoreThan(writers, before)
    const rate = ((sumOf(writers.counts()) - before) * 1000) / (performance.now() - startedAt)
    await look()
    if (isCut) await world.home().breakDown(away, { kind: 'replication-only' })
    const beforeCut = sumOf(writers.counts())
    if (isCut) await sleep(chance.between(100, 300))
    if (isCut && mayLose) await untilMoreThan(writers, beforeCut + WRITERS)
    const [row] = await sql(replica, 'select pg_last_wal_receive_lsn()::text lsn')
    const received = parseLsn(row?.lsn as string)
    await world.kill(home)
    await writers.close()
    const acknowledged = writers.counts()
    if (isCut) await world.home().lift(away)

    const promotedMs = await promote()
    const present = await committedAt(loginOf(replica))
    for (const [writer, count] of present) {
      expect(count).toBeLessThanOrEqual((acknowledged.get(writer) ?? 0) + 1)
    }
    const safe = marks.filter(({ lsn }) => lsn <= received).at(-1)?.counts ?? new Map()
    expect(missing(present, safe)).toBe(0)
    counts = present
    return {
      rate,
      promotedMs,
      acknowledged: sumOf(acknowledged) - before,
      lost: missing(present, acknowledged),
      bound: sumOf(acknowledged) - sumOf(safe),
    }
  }

  /** The region comes back; what was the database there goes, and a new replica is made there of the one that was promoted. */
  const exchange = async () => {
    const { DBInstanceIdentifier } = shop
    await world.until(away, replica.DBInstanceIdentifier ?? '', 'available')
    await world.start(home)
    await world.until(home, DBInstanceIdentifier ?? '', 'available')
    await world
      .rds(home)
      .send(new DeleteDBInstanceCommand({ DBInstanceIdentifier, SkipFinalSnapshot: true }))
    await world.until(home, DBInstanceIdentifier ?? '', undefined)
    shop = replica
    ;[home, away] = [away, home]
    await replicate()
  }

  test(
    `${KILLS} times with a replica that is waited for, loses nothing that was acknowledged`,
    async () => {
      const losses: Loss[] = []
      for (let round = 1; round <= KILLS; round++) {
        const loss = await lose({ isCut: round % 2 === 1, mayLose: false })
        expect(loss.lost, `round ${round}: ${JSON.stringify(loss)}`).toBe(0)
        expect(loss.acknowledged).toBeGreaterThan(0)
        losses.push(loss)
        await exchange()
      }
      tell('synchronous', losses)
      if (KILLS < TIMED_FROM_KILLS) return
      expect(median(losses.map(({ promotedMs }) => promotedMs))).toBeLessThan(PROMOTED_WITHIN_MS)
    },
    120_000 * KILLS,
  )

  test(
    `${LOSSES} times without waiting, loses no more than had not arrived`,
    async () => {
      for (const region of [HERE, THERE]) await setReplicas(region, '0')
      const losses: Loss[] = []
      for (let round = 1; round <= LOSSES; round++) {
        const loss = await lose({ isCut: true, mayLose: true })
        // Else the rounds above would have proved nothing.
        expect(loss.lost).toBeGreaterThan(0)
        expect(loss.lost, `round ${round}: ${JSON.stringify(loss)}`).toBeLessThanOrEqual(loss.bound)
        losses.push(loss)
        if (round < LOSSES) await exchange()
      }
      tell('asynchronous', losses)
    },
    120_000 * LOSSES,
  )
})

async function untilMoreThan(writers: Acknowledgements, count: number): Promise<void> {
  await until(`more than ${count} commits are acknowledged`, 60_000, async () => {
    return sumOf(writers.counts()) > count
  })
}

function tell(mode: string, losses: readonly Loss[]): void {
  const of = (name: keyof Loss) => losses.map((loss) => loss[name])
  const sum = (name: keyof Loss) => of(name).reduce((total, one) => total + one, 0)
  const promoted = of('promotedMs')
  process.stdout.write(
    `${mode}: ${losses.length} kills, ${sum('lost')} of ${sum('acknowledged')} acknowledged commits lost, ` +
      `at most ${sum('bound')} expected; ${median(of('rate')).toFixed(0)} commits/s; ` +
      `first write ${median(promoted).toFixed(0)} ms after PromoteReadReplica, at most ${Math.max(...promoted).toFixed(0)}\n`,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
