import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextSteps, type Placed, type RolloutState } from './rolling-update.ts'

const tasks = (prefix: string, states: string): Placed[] =>
  [...states].map((letter, index) => ({
    id: `${prefix}${index}`,
    state: ({ p: 'pending', h: 'healthy', u: 'unhealthy', s: 'stopping' } as const)[
      letter as 'p' | 'h' | 'u' | 's'
    ],
  }))

const state = (o: {
  desired: number
  percents?: [number, number]
  primary?: string
  replaced?: string
  mayStart?: boolean
}): RolloutState => ({
  desiredCount: o.desired,
  minimumHealthyPercent: o.percents?.[0] ?? 100,
  maximumPercent: o.percents?.[1] ?? 200,
  primary: tasks('new', o.primary ?? ''),
  replaced: tasks('old', o.replaced ?? ''),
  mayStart: o.mayStart ?? true,
})

describe('what a service does next', () => {
  test.each([
    ['starts what is missing', state({ desired: 3, primary: 'h' }), 2, []],
    [
      'stops the newest of too many, pending ones first',
      state({ desired: 1, primary: 'hhp' }),
      0,
      ['new2', 'new1'],
    ],
    ['starts all new ones before it stops old ones', state({ desired: 2, replaced: 'hh' }), 2, []],
    [
      'stops an old one for each new one that is healthy',
      state({ desired: 2, primary: 'hp', replaced: 'hh' }),
      0,
      ['old0'],
    ],
    [
      'stops old ones that never were healthy at once',
      state({ desired: 1, replaced: 'p' }),
      1,
      ['old0'],
    ],
    [
      'stops half first, with 50 and 100 percent',
      state({ desired: 4, percents: [50, 100], replaced: 'hhhh' }),
      0,
      ['old0', 'old1'],
    ],
    [
      'waits until what it stops has stopped, with 0 and 100 percent',
      state({ desired: 1, percents: [0, 100], replaced: 's' }),
      0,
      [],
    ],
    [
      'starts nothing in a deployment that has failed',
      state({ desired: 2, replaced: 'hh', mayStart: false }),
      0,
      [],
    ],
    ['replaces an unhealthy one before it stops it', state({ desired: 2, primary: 'hu' }), 1, []],
    [
      'stops an unhealthy one once it is replaced',
      state({ desired: 2, primary: 'huh' }),
      0,
      ['new1'],
    ],
    [
      'stops an unhealthy one first where there is no room',
      state({ desired: 1, percents: [0, 100], primary: 'u' }),
      0,
      ['new0'],
    ],
    [
      'ends all of a service that wants none',
      state({ desired: 0, primary: 'hp', replaced: 'h' }),
      0,
      ['new1', 'new0', 'old0'],
    ],
  ] as const)('%s', (_, given, start, stop) => {
    expect(nextSteps(given)).toEqual({ start, stop, isBlocked: false })
  })

  test('can do nothing when the percents leave no room for one task more or less', () => {
    const given = state({ desired: 1, percents: [50, 150], replaced: 'h' })
    expect(nextSteps(given)).toEqual({ start: 0, stop: [], isBlocked: true })
  })

  const someTasks = (prefix: string) =>
    fc
      .array(fc.constantFrom('pending', 'healthy', 'unhealthy', 'stopping'), { maxLength: 12 })
      .map((states) => states.map((one, index) => ({ id: `${prefix}${index}`, state: one })))
  const anyState: fc.Arbitrary<RolloutState> = fc.record({
    desiredCount: fc.nat({ max: 10 }),
    minimumHealthyPercent: fc.integer({ min: 0, max: 99 }),
    maximumPercent: fc.integer({ min: 100, max: 200 }),
    primary: someTasks('new') as fc.Arbitrary<Placed[]>,
    replaced: someTasks('old') as fc.Arbitrary<Placed[]>,
    mayStart: fc.boolean(),
  })

  test('never makes more tasks than the most, nor leaves fewer healthy ones than the least', () => {
    fc.assert(
      fc.property(anyState, (given) => {
        const { start, stop } = nextSteps(given)
        const all = [...given.primary, ...given.replaced]
        const most = Math.floor((given.desiredCount * given.maximumPercent) / 100)
        const least = Math.ceil((given.desiredCount * given.minimumHealthyPercent) / 100)
        expect(all.length + start).toBeLessThanOrEqual(Math.max(all.length, most))
        const healthy = all.filter((task) => task.state === 'healthy')
        const left = healthy.filter(({ id }) => !stop.includes(id))
        expect(left.length).toBeGreaterThanOrEqual(Math.min(healthy.length, least))
        expect(new Set(stop).size).toBe(stop.length)
        expect(all.filter((task) => task.state === 'stopping' && stop.includes(task.id))).toEqual(
          [],
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('comes to its count by new tasks alone, whatever it begins with', () => {
    fc.assert(
      fc.property(anyState, (given) => {
        const least = Math.ceil((given.desiredCount * given.minimumHealthyPercent) / 100)
        const most = Math.floor((given.desiredCount * given.maximumPercent) / 100)
        fc.pre(given.desiredCount === 0 || least < most)
        let now = { ...given, mayStart: true }
        let made = 0
        for (let round = 0; round < 100; round += 1) {
          const { start, stop } = nextSteps(now)
          // What was to stop stops, what was to start becomes healthy.
          const go = (list: readonly Placed[]) =>
            list
              .filter(({ id, state: one }) => !stop.includes(id) && one !== 'stopping')
              .map(
                (task): Placed => (task.state === 'pending' ? { ...task, state: 'healthy' } : task),
              )
          const started = Array.from({ length: start }, (): Placed => {
            made += 1
            return { id: `made${made}`, state: 'pending' }
          })
          now = { ...now, primary: [...go(now.primary), ...started], replaced: go(now.replaced) }
        }
        expect(now.replaced).toEqual([])
        expect(now.primary.map((task) => task.state)).toEqual(
          Array.from({ length: given.desiredCount }, () => 'healthy'),
        )
      }),
      { numRuns: 500 },
    )
  })
})
