import {
  CopyDBSnapshotCommand,
  type CopyDBSnapshotMessage,
  CreateDBInstanceReadReplicaCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
  StartDBInstanceAutomatedBackupsReplicationCommand,
} from '@aws-sdk/client-rds'
import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { ACCOUNT, iamUnderTest, policyOf } from '../iam/iam-under-test.ts'
import { CREDENTIALS, REGION, refusal } from '../region-under-test.ts'

const hasBoto3 = runs('python3', ['-c', 'import boto3'])
const hasCli = runs('aws', ['--version'])
const SOURCE = `arn:aws:rds:us-east-1:${ACCOUNT}:snapshot:monday`
const INSTANCE = `arn:aws:rds:us-east-1:${ACCOUNT}:db:shop-db`
const HOUR_MS = 3_600_000

/** In a region whose neighbour is away: a request that gets that far was let through. */
describe('the PreSignedUrl of requests across regions', () => {
  const region = iamUnderTest()
  type Keys = typeof CREDENTIALS

  const client = (keys: Keys, of = REGION) => {
    const rds = new RDSClient({ ...region.as(keys), region: of })
    rds.config.systemClockOffset = region.clock.now().getTime() - Date.now()
    return rds
  }
  /** The URL that the SDK makes for a request. */
  const urlOf = async (
    send: (rds: RDSClient) => Promise<unknown>,
    { keys = CREDENTIALS, destination = REGION } = {},
  ): Promise<string> => {
    const rds = client(keys, destination)
    let url: string | undefined
    const keepUrl = () => async (args: { input: CopyDBSnapshotMessage }) => {
      url = args.input.PreSignedUrl
      throw new Error('it is not sent')
    }
    rds.middlewareStack.addRelativeTo(keepUrl as never, {
      relation: 'after',
      toMiddleware: 'crossRegionPresignedUrlMiddleware',
    })
    await expect(send(rds)).rejects.toThrow('it is not sent')
    return url ?? expect.fail('the SDK made no URL')
  }
  const copyOf = (source = SOURCE, more: Partial<CopyDBSnapshotMessage> = {}) =>
    new CopyDBSnapshotCommand({
      SourceDBSnapshotIdentifier: source,
      TargetDBSnapshotIdentifier: 'copy',
      ...more,
    })
  const copyUrl = (source = SOURCE, o: { keys?: Keys; destination?: string } = {}) =>
    urlOf((rds) => rds.send(copyOf(source)), o)
  /** How the copy is refused: by the URL, or because the other region is away. */
  const refusalWith = async (url: string): Promise<string> => {
    const answer = await client(CREDENTIALS)
      .send(copyOf(SOURCE, { PreSignedUrl: url }))
      .catch((error: Error) => error)
    const snapshots = await client(CREDENTIALS).send(new DescribeDBSnapshotsCommand({}))
    expect(snapshots.DBSnapshots).toEqual([])
    return answer instanceof Error ? `${answer.name}: ${answer.message}` : 'none'
  }
  const AWAY = "ServiceUnavailable: region 'us-east-1' does not answer"
  const UNAUTHENTICATED = 'InvalidParameterValue: PreSignedUrl could not be authenticated.'

  test('lets the request through as the SDK makes it', async () => {
    expect(await refusalWith(await copyUrl())).toBe(AWAY)
  })

  test('is refused with a forged signature, with other keys and without a signature', async () => {
    const url = await copyUrl()
    const forged = url.replace(/(X-Amz-Signature=)([0-9a-f])/, (_, name, digit) => {
      return `${name}${digit === '0' ? '1' : '0'}`
    })
    expect(await refusalWith(forged)).toBe(UNAUTHENTICATED)
    const stranger = { ...CREDENTIALS, secretAccessKey: 'x'.repeat(40) }
    expect(await refusalWith(await copyUrl(SOURCE, { keys: stranger }))).toBe(UNAUTHENTICATED)
    expect(await refusalWith(url.replace(/&?X-Amz-Signature=[0-9a-f]+/, ''))).toBe(UNAUTHENTICATED)
    expect(await refusalWith('no url')).toBe(UNAUTHENTICATED)
  })

  test('is refused with a parameter that was changed behind the signature', async () => {
    const url = await copyUrl()
    expect(url).toContain('monday')
    expect(await refusalWith(url.replace('monday', 'sunday'))).toBe(UNAUTHENTICATED)
  })

  test('is refused when it was signed for something else', async () => {
    const others = [
      await copyUrl(SOURCE.replace('monday', 'sunday')),
      await copyUrl(SOURCE.replace('us-east-1', 'eu-west-1')),
      await copyUrl(SOURCE, { destination: 'eu-central-1' }),
      await urlOf((rds) =>
        rds.send(
          new CreateDBInstanceReadReplicaCommand({
            DBInstanceIdentifier: 'copy',
            SourceDBInstanceIdentifier: INSTANCE,
          }),
        ),
      ),
      await urlOf((rds) =>
        rds.send(
          new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: INSTANCE }),
        ),
      ),
    ]
    for (const url of others) expect(await refusalWith(url)).toBe(UNAUTHENTICATED)
    const withKey = await urlOf((rds) => rds.send(copyOf(SOURCE, { KmsKeyId: 'alias/shop' })))
    expect(await refusalWith(withKey)).toBe(
      'InvalidParameterValue: PreSignedUrl was signed with another value of KmsKeyId.',
    )
  })

  test('is refused when its signer may not do it there', async () => {
    const nobody = await region.userWith('nobody')
    expect(await refusalWith(await copyUrl(SOURCE, { keys: nobody }))).toMatch(
      /^AccessDenied: .*user\/nobody is not authorized to perform: rds:CopyDBSnapshot on resource: .*monday/,
    )
    const right = policyOf({ Action: 'rds:CopyDBSnapshot', Resource: SOURCE })
    const somebody = await region.userWith('somebody', right)
    expect(await refusalWith(await copyUrl(SOURCE, { keys: somebody }))).toBe(AWAY)
  })

  test('is refused where it is not needed', async () => {
    const copy = copyOf('monday', { PreSignedUrl: await copyUrl() })
    expect(await refusal(client(CREDENTIALS).send(copy))).toBe('InvalidParameterCombination')
  })

  const environment = () => ({
    AWS_ENDPOINT_URL: region.endpoint(),
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  })

  test.skipIf(!hasBoto3)(
    `is what boto3 makes of SourceRegion${needs(hasBoto3, 'boto3')}`,
    async () => {
      const program = `
import boto3
for region in ('us-east-1', 'eu-west-1'):
    try:
        boto3.client('rds').copy_db_snapshot(SourceDBSnapshotIdentifier='${SOURCE}', TargetDBSnapshotIdentifier='copy',
            SourceRegion=region)
    except Exception as error:
        print(error)
`
      const output = await outputOf('python3', ['-c', program], environment())
      expect(output.trim().split('\n')).toEqual([
        expect.stringContaining('(ServiceUnavailable)'),
        expect.stringContaining('PreSignedUrl could not be authenticated'),
      ])
    },
  )

  test.skipIf(!hasCli)(
    `is what the aws CLI makes of --source-region${needs(hasCli, 'aws CLI')}`,
    async () => {
      const command = `rds copy-db-snapshot --source-db-snapshot-identifier ${SOURCE}
      --target-db-snapshot-identifier copy --source-region eu-west-1`
      const copying = outputOf('aws', command.split(/\s+/), environment())
      await expect(copying).rejects.toThrow('PreSignedUrl could not be authenticated')
    },
  )

  test('is refused when it has expired', async () => {
    const url = await copyUrl()
    region.clock.forward(HOUR_MS + 1_000)
    expect(await refusalWith(url)).toBe(UNAUTHENTICATED)
  })
})

function needs(hasIt: boolean, what: string): string {
  return hasIt ? '' : ` (skipped: needs ${what})`
}
