import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../core/random.ts'
import {
  chooseWindows,
  formatBackupWindow,
  formatMaintenanceWindow,
  parseBackupWindow,
  parseMaintenanceWindow,
} from './preferred-windows.ts'
import { occurrenceAt, overlap } from './recurring-window.ts'

const refused = expect.objectContaining({ wireCode: 'InvalidParameterValue' })

describe('a backup window', () => {
  test.each(['03:00-04:00', '23:30-00:30', '00:00-23:59'])('%s survives a round trip', (text) => {
    expect(formatBackupWindow(parseBackupWindow(text))).toBe(text)
  })

  test.each(['3:00-4:00', '03:00-03:29', '03:00-03:00', '24:00-01:00', '03:00', '', '03:60-05:00'])(
    'refuses %o',
    (text) => {
      expect(() => parseBackupWindow(text)).toThrow(refused)
    },
  )

  test('holds its first minute and not its end', () => {
    const window = parseBackupWindow('03:00-04:00')
    const began = new Date('2026-01-15T03:00:00Z')
    expect(occurrenceAt(window, new Date('2026-01-15T02:59:59.999Z'))).toBeUndefined()
    expect(occurrenceAt(window, began)).toEqual(began)
    expect(occurrenceAt(window, new Date('2026-01-15T03:59:59.999Z'))).toEqual(began)
    expect(occurrenceAt(window, new Date('2026-01-15T04:00:00Z'))).toBeUndefined()
  })

  test('that crosses midnight began the day before', () => {
    const window = parseBackupWindow('23:30-00:30')
    const began = new Date('2026-01-14T23:30:00Z')
    expect(occurrenceAt(window, new Date('2026-01-15T00:10:00Z'))).toEqual(began)
  })
})

describe('a maintenance window', () => {
  test.each(['mon:04:00-mon:05:00', 'sat:23:30-sun:00:30'])('%s survives a round trip', (text) => {
    expect(formatMaintenanceWindow(parseMaintenanceWindow(text))).toBe(text)
  })

  test('is read in any case', () => {
    const window = parseMaintenanceWindow('Mon:04:00-MON:05:00')
    expect(formatMaintenanceWindow(window)).toBe('mon:04:00-mon:05:00')
  })

  test.each(['mon:04:00-mon:04:10', 'mon:04:00-tue:04:00', 'xyz:04:00-mon:05:00', '04:00-05:00'])(
    'refuses %o',
    (text) => {
      expect(() => parseMaintenanceWindow(text)).toThrow(refused)
    },
  )

  test('is where the calendar has it', () => {
    const window = parseMaintenanceWindow('mon:04:00-mon:05:00')
    // 23 November 2026 is a Monday.
    expect(occurrenceAt(window, new Date('2026-11-23T04:30:00Z'))).toBeDefined()
    expect(occurrenceAt(window, new Date('2026-11-24T04:30:00Z'))).toBeUndefined()
  })
})

describe('the two windows of an instance', () => {
  test('may touch', () => {
    const asked = { backup: '03:00-04:00', maintenance: 'Mon:04:00-Mon:05:00' }
    expect(chooseWindows(asked, systemRandom)).toEqual({
      backupWindow: '03:00-04:00',
      maintenanceWindow: 'mon:04:00-mon:05:00',
    })
  })

  test.each([
    ['03:00-04:00', 'Mon:03:59-Mon:05:00'],
    ['03:00-04:00', 'Mon:02:00-Mon:03:01'],
    ['23:30-00:30', 'Sun:00:00-Sun:01:00'],
    ['03:10-03:50', 'Sat:03:00-Sat:04:00'],
  ])('refuses %s and %s, which overlap', (backup, maintenance) => {
    expect(() => chooseWindows({ backup, maintenance }, systemRandom)).toThrow(refused)
  })

  test('never overlap when the region chooses one or both', () => {
    const backups = fc.option(fc.constantFrom('03:00-04:00', '12:00-18:30'), { nil: undefined })
    fc.assert(
      fc.property(backups, (backup) => {
        const chosen = chooseWindows({ backup }, systemRandom)
        const windows = [
          parseBackupWindow(chosen.backupWindow),
          parseMaintenanceWindow(chosen.maintenanceWindow),
        ] as const
        expect(overlap(...windows)).toBe(false)
      }),
      { numRuns: 50, examples: [['03:00-04:00']] },
    )
  })
})
