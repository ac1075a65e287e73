import { expect, test } from 'vitest'
import { fidelityDiff, repairs } from './fidelity.ts'

const source = {
  attributes: {
    parameterGroup: 'shop-parameters',
    backupRetentionDays: 7,
    deletionProtection: true,
    securityGroups: ['sg-1'],
    allocatedStorageGiB: 20,
    iamAuthentication: false,
  },
  tags: { service: 'shop', 'aws:cloudformation:stack': 'x' },
}

test('names what a restore on AWS loses, with its weight', () => {
  const restored = {
    attributes: {
      parameterGroup: 'default.postgres18',
      backupRetentionDays: 7,
      deletionProtection: false,
      securityGroups: ['sg-1'],
      allocatedStorageGiB: 25,
    },
    tags: {},
  }
  expect(fidelityDiff(source, restored)).toEqual([
    {
      what: 'parameterGroup',
      weight: 'must',
      source: 'shop-parameters',
      restored: 'default.postgres18',
    },
    { what: 'deletionProtection', weight: 'must', source: 'true', restored: 'false' },
    { what: 'allocatedStorageGiB', weight: 'should', source: '20', restored: '25' },
    { what: 'tag service', weight: 'must', source: 'shop', restored: 'none' },
  ])
  expect(repairs(source, restored)).toEqual({
    parameterGroup: 'shop-parameters',
    deletionProtection: true,
  })
})

test('is empty for an equal instance', () => {
  expect(fidelityDiff(source, source)).toEqual([])
  expect(repairs(source, source)).toEqual({})
})
