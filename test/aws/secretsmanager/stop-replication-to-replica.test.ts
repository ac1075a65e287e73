import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, one, secretsInTwoRegions, THERE } from './secrets-in-two-regions.ts'

describe('StopReplicationToReplica and RemoveRegionsFromReplication', () => {
  const world = secretsInTwoRegions()
  const replicated = async (Name: string) => {
    const AddReplicaRegions = [{ Region: THERE }]
    await world.sdk(HERE).createSecret({ Name, SecretString: 'one', AddReplicaRegions })
    await expect.poll(() => world.statusOf(Name)).toMatchObject(one('InSync'))
  }

  test('makes the replica a secret of its own, and the primary lists it no more', async () => {
    await replicated('promoted')
    const SecretId = 'promoted'
    const before = await world.sdk(THERE).describeSecret({ SecretId })
    const { ARN } = await world.sdk(THERE).stopReplicationToReplica({ SecretId })
    expect(ARN).toBe(before.ARN)
    await world.sdk(THERE).putSecretValue({ SecretId, SecretString: 'of its own' })
    const after = await world.sdk(THERE).describeSecret({ SecretId })
    expect(after).not.toHaveProperty('PrimaryRegion')
    await expect.poll(() => world.statusOf(SecretId)).toEqual([])
    await world.sdk(HERE).putSecretValue({ SecretId, SecretString: 'two' })
    expect(await world.value(THERE, SecretId)).toBe('of its own')
    expect(await world.value(HERE, SecretId)).toBe('two')
    const again = world.sdk(THERE).stopReplicationToReplica({ SecretId })
    expect(await refusal(again)).toBe('InvalidParameterException')
    const absent = world.sdk(THERE).stopReplicationToReplica({ SecretId: 'absent' })
    expect(await refusal(absent)).toBe('ResourceNotFoundException')
  })

  test('works while the primary is dead, and leads the way home by force', async () => {
    const SecretId = 'failed-over'
    await replicated(SecretId)
    await world.kill(HERE)
    await world.sdk(THERE).stopReplicationToReplica({ SecretId })
    await world.sdk(THERE).putSecretValue({ SecretId, SecretString: 'of the other region' })
    await world.kill(THERE)
    await world.start(THERE)
    expect(await world.value(THERE, SecretId)).toBe('of the other region')
    await world.start(HERE)
    await expect.poll(() => world.statusOf(SecretId)).toEqual([])
    expect(await world.value(HERE, SecretId)).toBe('one')

    const back = { SecretId, AddReplicaRegions: [{ Region: HERE }] }
    await world.sdk(THERE).replicateSecretToRegions(back)
    await expect
      .poll(() => world.statusOf(SecretId, THERE))
      .toMatchObject([{ Region: HERE, Status: 'Failed' }])
    expect(await world.value(HERE, SecretId)).toBe('one')
    await world.sdk(THERE).replicateSecretToRegions({ ...back, ForceOverwriteReplicaSecret: true })
    await expect
      .poll(() => world.statusOf(SecretId, THERE))
      .toMatchObject([{ Region: HERE, Status: 'InSync' }])
    expect(await world.value(HERE, SecretId)).toBe('of the other region')
    const write = world.sdk(HERE).putSecretValue({ SecretId, SecretString: 'x' })
    expect(await refusal(write)).toBe('InvalidParameterException')
  })

  test('removing a region deletes the replica there, and then the primary can be deleted', async () => {
    const SecretId = 'removed'
    await replicated(SecretId)
    const early = world.sdk(HERE).deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
    await expect(early).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringMatching(/that still has replica regions \[us-east-1\]\.$/),
    })
    expect(await world.value(HERE, SecretId)).toBe('one')
    const removed = await world
      .sdk(HERE)
      .removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: [THERE] })
    expect(removed.ReplicationStatus ?? []).toEqual([])
    await world.sdk(HERE).deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
    await expect.poll(() => world.isThere(THERE, SecretId)).toBe(false)
  })

  test('a region that is away is removed when it comes back, also after the primary is gone', async () => {
    const SecretId = 'removed-late'
    await replicated(SecretId)
    await world.kill(THERE)
    await world.sdk(HERE).removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: [THERE] })
    await world.sdk(HERE).deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
    await world.kill(HERE)
    await world.start(HERE)
    await world.start(THERE)
    await expect.poll(() => world.isThere(THERE, SecretId)).toBe(false)
    const Name = SecretId
    await world.sdk(THERE).createSecret({ Name, SecretString: 'another' })
    expect(await world.value(THERE, SecretId)).toBe('another')
  })

  const hasCli = runs('aws', ['--version'])
  const hasBoto = runs('python3', ['-c', 'import boto3'])
  const needs = hasCli && hasBoto ? '' : ' (skipped: needs aws CLI and boto3)'

  test.skipIf(needs !== '')(`works by the aws CLI and boto3${needs}`, async () => {
    const { endpoint, credentials } = world.client(HERE)
    const environment = (region: string) => ({
      ...{ AWS_ENDPOINT_URL: endpoint, AWS_DEFAULT_REGION: region },
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    await world.sdk(HERE).createSecret({ Name: 'clients', SecretString: 'one' })
    const output = await outputOf(
      'aws',
      [
        ...['secretsmanager', 'replicate-secret-to-regions', '--secret-id', 'clients'],
        ...['--add-replica-regions', `Region=${THERE}`, '--output', 'json'],
      ],
      environment(HERE),
    )
    expect(JSON.parse(output).ReplicationStatus).toMatchObject(one('InProgress'))
    await expect.poll(() => world.statusOf('clients')).toMatchObject(one('InSync'))
    const script =
      'import boto3\ns = boto3.client("secretsmanager")\n' +
      'try:\n  s.put_secret_value(SecretId="clients", SecretString="x")\n' +
      'except s.exceptions.InvalidParameterException: print("read-only")\n' +
      'print(s.stop_replication_to_replica(SecretId="clients")["ARN"])\n' +
      's.put_secret_value(SecretId="clients", SecretString="two")\n'
    const printed = await outputOf('python3', ['-c', script], environment(THERE))
    expect(printed).toMatch(/^read-only\narn:aws:secretsmanager:us-east-1:.*:clients-\w{6}\n$/)
    expect(await world.value(THERE, 'clients')).toBe('two')
  })

  test('a promoted secret is not removed with its former primary', async () => {
    const SecretId = 'kept'
    await replicated(SecretId)
    await world.sdk(THERE).stopReplicationToReplica({ SecretId })
    const remove = { SecretId, RemoveReplicaRegions: [THERE] }
    await world.sdk(HERE).removeRegionsFromReplication(remove)
    await world.sdk(HERE).deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
    await replicated('after-it')
    expect(await world.value(THERE, SecretId)).toBe('one')
  })
})
