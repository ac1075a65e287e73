import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { DAY_MS, secretsUnderTest } from './secrets-under-test.ts'

describe('DeleteSecret', () => {
  const region = secretsUnderTest()

  async function fileNaming(secret: string): Promise<string | undefined> {
    const folder = join(region.folder(), 'documents', 'secretsmanager', 'secrets')
    for (const file of await readdir(folder)) {
      if ((await readFile(join(folder, file), 'utf8')).includes(`"${secret}"`)) return file
    }
    return undefined
  }

  test('schedules the deletion in thirty days, or in the days given', async () => {
    for (const [RecoveryWindowInDays, days] of [
      [undefined, 30],
      [7, 7],
    ]) {
      const SecretId = `in-${days}`
      await region.sdk().createSecret({ Name: SecretId, SecretString: 'x' })
      const deleted = await region
        .sdk()
        .deleteSecret({ SecretId, ...(RecoveryWindowInDays && { RecoveryWindowInDays }) })
      const ahead = (deleted.DeletionDate!.getTime() - region.clock.now().getTime()) / DAY_MS
      expect(ahead).toBeCloseTo(days!, 2)
      expect(await refusal(region.value(SecretId))).toBe('InvalidRequestException')
    }
  })

  test('lets the secret be gone after the recovery window, also its file', async () => {
    const made = await region.sdk().createSecret({ Name: 'gone', SecretString: 'x' })
    await region.sdk().deleteSecret({ SecretId: 'gone', RecoveryWindowInDays: 7 })
    region.clock.forward(7 * DAY_MS + 1000)
    await region.restart()
    expect(await fileNaming('gone')).toBeUndefined()
    // Clients sign by this machine's time.
    region.clock.forward(-(7 * DAY_MS + 1000))
    expect(await refusal(region.sdk().restoreSecret({ SecretId: 'gone' }))).toBe(
      'ResourceNotFoundException',
    )
    const again = await region.sdk().createSecret({ Name: 'gone', SecretString: 'y' })
    expect(again.ARN).not.toBe(made.ARN)
  })

  test('deletes at once when forced, and leaves no file of it', async () => {
    await region.sdk().createSecret({ Name: 'forced', SecretString: 'x' })
    expect(await fileNaming('forced')).toBeDefined()
    await region.sdk().deleteSecret({ SecretId: 'forced', ForceDeleteWithoutRecovery: true })
    expect(await refusal(region.sdk().describeSecret({ SecretId: 'forced' }))).toBe(
      'ResourceNotFoundException',
    )
    expect(await fileNaming('forced')).toBeUndefined()
    await region.sdk().createSecret({ Name: 'forced', SecretString: 'free again' })
  })

  test('succeeds when forced on a secret that does not exist', async () => {
    const deleted = await region
      .sdk()
      .deleteSecret({ SecretId: 'never', ForceDeleteWithoutRecovery: true })
    expect(deleted.Name).toBe('never')
  })

  test('refuses windows out of range, both at once, twice, and what is absent', async () => {
    await region.sdk().createSecret({ Name: 'stays', SecretString: 'x' })
    const call = (input: object) =>
      refusal(region.sdk().deleteSecret({ SecretId: 'stays', ...input }))
    expect(await call({ RecoveryWindowInDays: 6 })).toBe('InvalidParameterException')
    expect(await call({ RecoveryWindowInDays: 31 })).toBe('InvalidParameterException')
    expect(await call({ RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true })).toBe(
      'InvalidParameterException',
    )
    expect(await region.value('stays')).toBe('x')
    await region.sdk().deleteSecret({ SecretId: 'stays' })
    expect(await call({})).toBe('InvalidRequestException')
    expect(await call({ SecretId: 'absent' })).toBe('ResourceNotFoundException')
  })
})
