import { expect, test } from 'vitest'
import { checkedSize, isFargateSize } from './task-size.ts'

test.each([
  ['256', '512', { cpu: '256', memory: '512' }],
  ['.25 vCPU', '0.5GB', { cpu: '256', memory: '512' }],
  ['1 vcpu', '2 GB', { cpu: '1024', memory: '2048' }],
])('%s and %s', (cpu, memory, size) => {
  expect(checkedSize(cpu, memory)).toEqual(size)
})

test.each(['x', '0', '-1', '1.5', '1e9 vCPU'])("refuses '%s'", (cpu) => {
  expect(() => checkedSize(cpu, undefined)).toThrow("Invalid 'cpu' setting for task.")
})

test('Fargate has these sizes, and no others', () => {
  const is = (cpu: string, memory: string) => isFargateSize({ cpu, memory })
  expect([is('256', '512'), is('256', '2048'), is('1024', '8192'), is('16384', '122880')]).toEqual([
    ...[true, true, true, true],
  ])
  expect([is('256', '1536'), is('512', '512'), is('1024', '2500'), is('300', '512')]).toEqual([
    ...[false, false, false, false],
  ])
  expect(isFargateSize({ cpu: '256' })).toBe(false)
})
