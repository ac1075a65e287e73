import { describe, expect, test } from 'vitest'
import type { Need, Runbook } from '../runbook/runbook.ts'
import { checkedPlan } from './plan-rules.ts'
import { regionFailure } from './runbooks/region-failure.ts'

type Steps = Runbook['steps']
const plan = regionFailure as unknown as Runbook
const withSteps = (change: (steps: Steps) => Steps): Runbook => ({
  ...plan,
  steps: change(plan.steps),
})
const withNeed = (name: string, need: Need) =>
  withSteps((steps) =>
    steps.map((step) => (step.name === name ? { ...step, needs: [...step.needs!, need] } : step)),
  )
const withAfter = (name: string, after: string[]) =>
  withSteps((steps) => steps.map((step) => (step.name === name ? { ...step, after } : step)))

describe('the plan of a failover', () => {
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
