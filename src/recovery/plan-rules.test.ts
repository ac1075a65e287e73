import { describe, expect, test } from 'vitest'
import type { Need, Runbook } from '../runbook/runbook.ts'
import { checkedPlan } from './plan-rules.ts'
import { failback } from './runbooks/failback.ts'
import { regionFailure } from './runbooks/region-failure.ts'

type Steps = Runbook['steps']

/** A plan with one thing about it that is different. */
function changing(plan: Runbook) {
  const withSteps = (change: (steps: Steps) => Steps): Runbook => ({
    ...plan,
    steps: change(plan.steps),
  })
  const changed = (name: string, change: (step: Steps[number]) => Steps[number]) =>
    withSteps((steps) => steps.map((step) => (step.name === name ? change(step) : step)))
  return {
    withSteps,
    withNeed: (name: string, need: Need) =>
      changed(name, (step) => ({ ...step, needs: [...step.needs!, need] })),
    withAfter: (name: string, after: string[]) => changed(name, (step) => ({ ...step, after })),
  }
}

describe('the plan of a failover', () => {
  const plan = regionFailure as unknown as Runbook
  const { withSteps, withNeed, withAfter } = changing(plan)

  test('needs nothing of what is lost, and keeps the order', () => {
    expect(checkedPlan(plan)).toBe(plan)
  })

  test.each(plan.steps.map(({ name }) => name))(
    'is refused when %s cannot do without the lost region, or what all share',
    (name) => {
      const ofPrimary: Need = { api: 's3', where: 'primary', plane: 'data' }
      const ofAll: Need = { api: 'iam', where: 'global', plane: 'control' }
      for (const need of [ofPrimary, ofAll]) {
        expect(() => checkedPlan(withNeed(name, need))).toThrow(`'${name}' cannot do without`)
        const without = { ...need, without: 'it is left out' }
        expect(() => checkedPlan(withNeed(name, without))).not.toThrow()
      }
    },
  )

  test.each([
    ['promote', ['pin-dns'], "'promote' may begin before 'fence' has ended"],
    ['promote', ['fence'], "'promote' may begin before 'bound-loss' has ended"],
    ['services', ['fence'], "'services' may begin before 'bound-loss' has ended"],
    ['dns', ['services'], "'dns' may begin before 'verify' has ended"],
  ])('is refused when %s comes after %s only', (name, after, why) => {
    expect(() => checkedPlan(withAfter(name, after))).toThrow(why)
  })

  test('is refused when a step does not say what it reaches', () => {
    const silent = withSteps(([first, ...rest]) => {
      const { needs: _, ...step } = first!
      return [step, ...rest]
    })
    expect(() => checkedPlan(silent)).toThrow("'confirm' does not say what it reaches")
  })
})

describe('the plan of a way home', () => {
  const plan = failback as unknown as Runbook
  const { withNeed, withAfter } = changing(plan)
  const ofAway: Need = { api: 's3', where: 'recovery', plane: 'data' }

  test('is kept', () => {
    expect(checkedPlan(plan)).toBe(plan)
  })

  test.each(['promote', 'secrets', 'services', 'verify', 'dns', 'count-loss', 'protect'])(
    'is refused when %s cannot do without the region that is left',
    (name) => {
      expect(() => checkedPlan(withNeed(name, ofAway))).toThrow(`'${name}' cannot do without s3`)
      const without = { ...ofAway, without: 'it is left out' }
      expect(() => checkedPlan(withNeed(name, without))).not.toThrow()
    },
  )

  test.each(['seed', 'stop-writes', 'prove', 'standby'])(
    'is taken when %s reaches the region that is left',
    (name) => {
      expect(() => checkedPlan(withNeed(name, ofAway))).not.toThrow()
    },
  )

  test.each([
    ['stop-writes', ['catch-up', 'objects'], "'stop-writes' may begin before 'salvage' has ended"],
    ['promote', ['last-objects'], "'promote' may begin before 'prove' has ended"],
    ['dns', ['services'], "'dns' may begin before 'verify' has ended"],
  ])('is refused when %s comes after %s only', (name, after, why) => {
    expect(() => checkedPlan(withAfter(name, after))).toThrow(why)
  })
})
