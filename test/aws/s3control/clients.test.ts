import { expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { HERE } from '../s3/two-regions.ts'
import { AccountId, jobsUnderTest } from './jobs-under-test.ts'

const { world, late, jobRole, keysThere, reached } = jobsUnderTest()

const hasCli = runs('aws', ['--version'])
const hasBoto = runs('python3', ['-c', 'import boto3'])

/**
 * These clients put the account before the name of the host. Where the machine does not know names under localhost, the
 * endpoint is their proxy as well.
 */
const environment = () => {
  const { endpoint, credentials } = world.client(HERE)
  return {
    AWS_ENDPOINT_URL: endpoint.replace('127.0.0.1', 'localhost'),
    HTTP_PROXY: endpoint,
    http_proxy: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_DEFAULT_REGION: HERE,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

const generatorFor = (bucket: string) => ({
  S3JobManifestGenerator: {
    SourceBucket: `arn:aws:s3:::${bucket}`,
    EnableManifestOutput: false,
    Filter: { EligibleForReplication: true },
  },
})

test.skipIf(!hasCli)(
  `the plain aws CLI makes a job${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
  async () => {
    const { source, destination } = await late('cli', ['a', 'b'])
    const role = await jobRole('cli-batch')
    const made = await outputOf(
      'aws',
      [
        ...['s3control', 'create-job', '--account-id', AccountId, '--output', 'json'],
        ...['--operation', '{"S3ReplicateObject":{}}', '--report', '{"Enabled":false}'],
        ...['--manifest-generator', JSON.stringify(generatorFor(source))],
        ...['--priority', '1', '--role-arn', role, '--no-confirmation-required'],
      ],
      environment(),
    )
    await reached(JSON.parse(made).JobId, 'Complete')
    expect(await keysThere(destination)).toEqual(['a', 'b'])
  },
)

const SCRIPT = `
import boto3, json, sys
control = boto3.client('s3control')
account, role, generator = sys.argv[1:4]
made = control.create_job(AccountId=account, Operation={'S3ReplicateObject': {}}, Report={'Enabled': False},
    ManifestGenerator=json.loads(generator), Priority=1, RoleArn=role, ConfirmationRequired=False)
job = control.describe_job(AccountId=account, JobId=made['JobId'])['Job']
print(json.dumps([made['JobId'], job['RoleArn'], len(control.list_jobs(AccountId=account)['Jobs'])]))
`

test.skipIf(!hasBoto)(
  `plain boto3 makes a job${hasBoto ? '' : ' (skipped: needs boto3)'}`,
  async () => {
    const { source, destination } = await late('boto', ['a'])
    const role = await jobRole('boto-batch')
    const generator = JSON.stringify(generatorFor(source))
    const told = await outputOf(
      'python3',
      ['-c', SCRIPT, AccountId, role, generator],
      environment(),
    )
    const [id, roleTold, count] = JSON.parse(told)
    expect(roleTold).toBe(role)
    expect(count).toBeGreaterThan(0)
    await reached(id, 'Complete')
    expect(await keysThere(destination)).toEqual(['a'])
  },
)
