import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { HERE, one, secretsInTwoRegions, THERE } from './secrets-in-two-regions.ts'

const to = (SecretId: string, more: object = {}) => ({
  ...{ SecretId, AddReplicaRegions: [{ Region: THERE }], ...more },
})

describe('ReplicateSecretToRegions', () => {
  const world = secretsInTwoRegions()
  const inSync = (name: string) =>
    expect.poll(() => world.statusOf(name)).toMatchObject(one('InSync'))

  test('copies all of a secret to the other region, under the same end of its ARN', async () => {
    const bytes = new Uint8Array([0, 255, 1])
    const made = await world.sdk(HERE).createSecret({
      ...{ Name: 'a/whole', Description: 'all of it', SecretBinary: bytes },
      Tags: [{ Key: 'team', Value: 'shop' }],
    })
    await world.sdk(HERE).putSecretValue({ SecretId: 'a/whole', SecretString: 'second' })
    const asked = await world.sdk(HERE).replicateSecretToRegions(to('a/whole'))
    expect(asked.ARN).toBe(made.ARN)
    expect(asked.ReplicationStatus).toEqual([
      { Region: THERE, KmsKeyId: 'alias/aws/secretsmanager', Status: 'InProgress' },
    ])
    await inSync('a/whole')
    const primary = await world.sdk(HERE).describeSecret({ SecretId: 'a/whole' })
    const arn = made.ARN!.replace(HERE, THERE)
    const replica = await world.sdk(THERE).describeSecret({ SecretId: arn })
    const { Name, Description, Tags, VersionIdsToStages, CreatedDate } = primary
    expect(replica).toMatchObject({
      ...{ ARN: arn, Name, Description, Tags, VersionIdsToStages, CreatedDate },
      PrimaryRegion: HERE,
    })
    expect(primary.PrimaryRegion).toBe(HERE)
    expect(await world.value(THERE, arn)).toBe('second')
    const previous = { SecretId: arn, VersionStage: 'AWSPREVIOUS' }
    expect((await world.sdk(THERE).getSecretValue(previous)).SecretBinary).toEqual(bytes)
    const listed = await world.sdk(THERE).listSecrets({
      Filters: [{ Key: 'primary-region', Values: [HERE] }],
    })
    expect(listed.SecretList?.map((secret) => secret.Name)).toEqual(['a/whole'])
  })

  test('lets values, labels, tags and descriptions flow on', async () => {
    const AddReplicaRegions = [{ Region: THERE }]
    const { ReplicationStatus } = await world
      .sdk(HERE)
      .createSecret({ Name: 'flowing', SecretString: 'one', AddReplicaRegions })
    expect(ReplicationStatus).toMatchObject(one('InProgress'))
    await inSync('flowing')
    const SecretId = 'flowing'
    await world.sdk(HERE).updateSecret({ SecretId, SecretString: 'two', Description: 'new' })
    await world.sdk(HERE).tagResource({ SecretId, Tags: [{ Key: 'a', Value: '1' }] })
    await world.sdk(HERE).untagResource({ SecretId, TagKeys: ['absent'] })
    const pending = { SecretId, SecretString: 'three', VersionStages: ['AWSPENDING'] }
    const { VersionId } = await world.sdk(HERE).putSecretValue(pending)
    await inSync('flowing')
    expect(await world.value(THERE, SecretId)).toBe('two')
    expect(await world.value(THERE, SecretId, 'AWSPENDING')).toBe('three')
    expect(await world.sdk(THERE).describeSecret({ SecretId })).toMatchObject({
      ...{ Description: 'new', Tags: [{ Key: 'a', Value: '1' }] },
    })
    // As a rotation ends.
    const described = await world.sdk(HERE).describeSecret({ SecretId })
    const stages = Object.entries(described.VersionIdsToStages!)
    const RemoveFromVersionId = stages.find(([, names]) => names.includes('AWSCURRENT'))![0]
    await world.sdk(HERE).updateSecretVersionStage({
      ...{ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: VersionId, RemoveFromVersionId },
    })
    await inSync('flowing')
    expect(await world.value(THERE, SecretId)).toBe('three')
    expect(await world.value(THERE, SecretId, 'AWSPREVIOUS')).toBe('two')
  })

  test('leaves the replica as it is to all but its primary', async () => {
    const SecretId = 'read-only'
    const more = { SecretString: 'x', AddReplicaRegions: [{ Region: THERE }] }
    await world.sdk(HERE).createSecret({ Name: SecretId, ...more })
    await inSync(SecretId)
    const there = world.sdk(THERE)
    const calls = [
      () => there.putSecretValue({ SecretId, SecretString: 'y' }),
      () => there.updateSecret({ SecretId, Description: 'y' }),
      () => there.tagResource({ SecretId, Tags: [{ Key: 'a', Value: '1' }] }),
      () => there.untagResource({ SecretId, TagKeys: ['a'] }),
      () => there.deleteSecret({ SecretId }),
      () => there.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true }),
      () =>
        there.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: 'eu-west-1' }] }),
      () => there.removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: ['eu-west-1'] }),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message:
          "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
      })
    }
    expect(await world.value(THERE, SecretId)).toBe('x')
    expect((await there.describeSecret({ SecretId })).Tags ?? []).toEqual([])
  })

  test('fails where another secret has the name, and overwrites it when it is told to', async () => {
    await world.sdk(THERE).createSecret({ Name: 'taken', SecretString: 'theirs' })
    await world.sdk(HERE).createSecret({ Name: 'taken', SecretString: 'mine' })
    await world.sdk(HERE).replicateSecretToRegions(to('taken'))
    await expect
      .poll(() => world.statusOf('taken'))
      .toMatchObject(
        one('Failed', {
          StatusMessage: `Replication failed: Secret name taken already exists in region ${THERE}.`,
        }),
      )
    await world.sdk(HERE).putSecretValue({ SecretId: 'taken', SecretString: 'mine too' })
    expect(await world.statusOf('taken')).toMatchObject(one('Failed'))
    expect(await world.value(THERE, 'taken')).toBe('theirs')
    await world
      .sdk(HERE)
      .replicateSecretToRegions(to('taken', { ForceOverwriteReplicaSecret: true }))
    await inSync('taken')
    expect(await world.value(THERE, 'taken')).toBe('mine too')
    expect(await world.sdk(THERE).describeSecret({ SecretId: 'taken' })).toMatchObject({
      PrimaryRegion: HERE,
    })
  })

  test('to a region that is away is late and loses nothing, also when the primary dies meanwhile', async () => {
    await world.sdk(HERE).createSecret({ Name: 'late', SecretString: 'one' })
    await world.sdk(HERE).replicateSecretToRegions(to('late'))
    await inSync('late')
    await world.kill(THERE)
    await world.sdk(HERE).putSecretValue({ SecretId: 'late', SecretString: 'two' })
    await world.sdk(HERE).putSecretValue({ SecretId: 'late', SecretString: 'three' })
    expect(await world.statusOf('late')).toMatchObject(one('InProgress'))
    await world.kill(HERE)
    await world.start(HERE)
    expect(await world.statusOf('late')).toMatchObject(one('InProgress'))
    await world.start(THERE)
    await inSync('late')
    expect(await world.value(THERE, 'late')).toBe('three')
    expect(await world.value(THERE, 'late', 'AWSPREVIOUS')).toBe('two')
  })

  test.each([
    ['its own region', { AddReplicaRegions: [{ Region: HERE }] }],
    ['a region that is none', { AddReplicaRegions: [{ Region: 'nowhere' }] }],
    ['a region twice', { AddReplicaRegions: [{ Region: THERE }, { Region: THERE }] }],
    ['no region', { AddReplicaRegions: [] }],
  ])('refuses %s, and replicates nothing', async (what, input) => {
    const Name = what.replaceAll(' ', '-')
    await world.sdk(HERE).createSecret({ Name, SecretString: 'x' })
    const call = world.sdk(HERE).replicateSecretToRegions({ SecretId: Name, ...input })
    expect(await refusal(call)).toBe('InvalidParameterException')
    expect(await world.statusOf(Name)).toEqual([])
    expect(await world.isThere(THERE, Name)).toBe(false)
  })
})
