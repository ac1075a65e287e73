import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteDBInstanceCommand, type DeleteDBInstanceMessage } from '@aws-sdk/client-rds'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest } from './rds-under-test.ts'

describe('DeleteDBInstance', () => {
  const { region, rds, create, until, describe: described, status } = rdsUnderTest()
  const remove = (DBInstanceIdentifier: string, more: Partial<DeleteDBInstanceMessage> = {}) =>
    rds().send(new DeleteDBInstanceCommand({ DBInstanceIdentifier, ...more }))
  const dataFolders = () => readdirSync(join(region.folder(), 'rds', 'instances'))

  test('removes the instance and its data', async () => {
    await create('gone', { BackupRetentionPeriod: 0 })
    const { DbiResourceId } = await until('gone', 'available')
    expect(dataFolders()).toContain(DbiResourceId)
    const answer = await remove('gone', { SkipFinalSnapshot: true })
    expect(answer.DBInstance?.DBInstanceStatus).toBe('deleting')
    await until('gone', undefined)
    await expect.poll(dataFolders).not.toContain(DbiResourceId)
  })

  test('ends a creation that is not finished', async () => {
    await create('half', { BackupRetentionPeriod: 0 })
    await remove('half', { SkipFinalSnapshot: true })
    await until('half', undefined)
    await create('half', { BackupRetentionPeriod: 0 })
    await until('half', 'available')
  })

  test('refuses a protected instance, which stays', async () => {
    await create('protected', { BackupRetentionPeriod: 0, DeletionProtection: true })
    await until('protected', 'available')
    const refused = remove('protected', { SkipFinalSnapshot: true })
    await expect(refused).rejects.toMatchObject({
      name: 'InvalidParameterCombination',
      message:
        'Cannot delete protected DB Instance, please disable deletion protection and try again.',
    })
    expect(await status('protected')).toBe('available')
  })

  test('refuses to say neither or both about the final snapshot', async () => {
    const both = { SkipFinalSnapshot: true, FinalDBSnapshotIdentifier: 'final' }
    expect(await refusal(remove('half'))).toBe('InvalidParameterCombination')
    expect(await refusal(remove('half', both))).toBe('InvalidParameterCombination')
    expect(await status('half')).toBe('available')
  })

  test('refuses what is not there', async () => {
    expect(await described('absent')).toBeUndefined()
    expect(await refusal(remove('absent', { SkipFinalSnapshot: true }))).toBe(
      'DBInstanceNotFoundFault',
    )
  })
})
