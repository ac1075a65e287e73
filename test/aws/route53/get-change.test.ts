import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('GetChange', () => {
  const world = route53UnderTest()

  test('is in sync once questions are answered by the change, and not while nobody answers', async () => {
    const { id, name } = await world.zone()
    await world.change(id, ['CREATE', records(`www.${name}`, 'A', ['192.0.2.1'])])
    await world.closeDns()
    const ids: string[] = []
    for (const value of ['192.0.2.2', '192.0.2.3']) {
      const { ChangeInfo } = await world.api().changeResourceRecordSets({
        HostedZoneId: id,
        ChangeBatch: {
          Comment: 'while it is dead',
          Changes: [{ Action: 'UPSERT', ResourceRecordSet: records(`www.${name}`, 'A', [value]) }],
        },
      })
      expect(ChangeInfo).toMatchObject({ Status: 'PENDING', Comment: 'while it is dead' })
      ids.push(ChangeInfo!.Id!)
    }
    expect(new Set(ids).size).toBe(2)
    for (const Id of ids) {
      expect((await world.api().getChange({ Id })).ChangeInfo?.Status).toBe('PENDING')
    }
    await world.openDns()
    for (const Id of ids) await world.inSync(Id)
    expect(await world.resolver().resolve4(`www.${name}`)).toEqual(['192.0.2.3'])

    // What is in sync stays so.
    await world.closeDns()
    await world.restartApi()
    const { ChangeInfo } = await world.api().getChange({ Id: ids[0]! })
    expect(ChangeInfo).toMatchObject({ Id: ids[0], Status: 'INSYNC', Comment: 'while it is dead' })
    expect(ChangeInfo?.SubmittedAt).toBeInstanceOf(Date)
    await world.openDns()
  })

  test('refuses a change that was not', async () => {
    expect(await refusal(world.api().getChange({ Id: 'C0' }))).toBe('NoSuchChange')
  })
})
