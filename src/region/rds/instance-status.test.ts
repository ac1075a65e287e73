import { expect, test } from 'vitest'
import { statusAfterOutcome, statusAfterRequest } from './instance-status.ts'

test('a new instance passes through its first backup', () => {
  expect(statusAfterOutcome('creating', 'ready')).toBe('backing-up')
  expect(statusAfterOutcome('backing-up', 'ready')).toBe('available')
})

test('only an available instance is stopped, modified, rebooted or backed up', () => {
  for (const request of ['stop', 'modify', 'reboot', 'back up'] as const) {
    expect(statusAfterRequest('available', request)).not.toBeNull()
    expect(statusAfterRequest('backing-up', request)).toBeNull()
    expect(statusAfterRequest('stopped', request)).toBeNull()
    expect(statusAfterRequest('deleting', request)).toBeNull()
  }
})

test('a server that does not start with its parameters can be rebooted with others', () => {
  expect(statusAfterOutcome('rebooting', 'bad settings')).toBe('incompatible-parameters')
  expect(statusAfterRequest('incompatible-parameters', 'reboot')).toBe('rebooting')
})

test('nothing follows a deletion', () => {
  for (const request of ['back up', 'modify', 'reboot', 'stop', 'start', 'delete'] as const) {
    expect(statusAfterRequest('deleting', request)).toBeNull()
  }
})

test('only an available replica is promoted, and never one that is being backed up', () => {
  expect(statusAfterRequest('available', 'promote')).toBe('modifying')
  for (const status of ['creating', 'backing-up', 'modifying', 'rebooting', 'deleting'] as const) {
    expect(statusAfterRequest(status, 'promote')).toBeNull()
  }
})

test('an instance whose key is lost can be started again for seven days', () => {
  const lost = statusAfterOutcome('available', 'no key')
  expect(lost).toBe('inaccessible-encryption-credentials-recoverable')
  expect(statusAfterRequest(lost!, 'start')).toBe('starting')
  const given = statusAfterOutcome(lost!, 'key gone')
  expect(given).toBe('inaccessible-encryption-credentials')
  expect(statusAfterRequest(given!, 'start')).toBeNull()
  expect(statusAfterRequest(given!, 'delete')).toBe('deleting')
})
