import { describe, expect, test } from 'vitest'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'
import { outputOf, runs } from './program.ts'

const hasBoto = runs('python3', ['-c', 'import boto3'])

const SCRIPT = `
import boto3, json, urllib.request
from botocore.exceptions import ClientError

seen = {}
secrets = boto3.client('secretsmanager')
made = secrets.create_secret(Name='boto', SecretBinary=bytes(range(256)))
got = secrets.get_secret_value(SecretId=made['ARN'])
seen['binary'] = got['SecretBinary'] == bytes(range(256))
seen['created'] = got['CreatedDate'].year > 2000
secrets.put_secret_value(SecretId='boto', SecretString='\\u00fc\\U0001f6df')
seen['string'] = secrets.get_secret_value(SecretId='boto')['SecretString'] == '\\u00fc\\U0001f6df'
seen['pages'] = [s['Name'] for p in secrets.get_paginator('list_secrets').paginate() for s in p['SecretList']]
try:
    secrets.get_secret_value(SecretId='absent')
except secrets.exceptions.ResourceNotFoundException as error:
    seen['typed'] = error.response['Error']['Code']
sts = boto3.client('sts')
seen['arn'] = sts.get_caller_identity()['Arn']
for method in ['GET', 'POST']:
    url = sts.generate_presigned_url('get_caller_identity', ExpiresIn=60, HttpMethod=method)
    request = urllib.request.Request(url, method=method)
    seen[method] = 'GetCallerIdentityResult' in urllib.request.urlopen(request).read().decode()
try:
    boto3.client('sts', aws_secret_access_key='wrong', aws_access_key_id='${CREDENTIALS.accessKeyId}').get_caller_identity()
except ClientError as error:
    seen['wrong'] = error.response['Error']['Code']
print(json.dumps(seen))
`

describe.skipIf(!hasBoto)(`plain boto3${hasBoto ? '' : ' (skipped: needs boto3)'}`, () => {
  const region = regionUnderTest()

  test('keeps secrets, pages, reads typed errors and presigns', async () => {
    const output = await outputOf('python3', ['-c', SCRIPT], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    expect(JSON.parse(output)).toEqual({
      binary: true,
      created: true,
      string: true,
      pages: ['boto'],
      typed: 'ResourceNotFoundException',
      arn: 'arn:aws:iam::000000000000:root',
      GET: true,
      POST: true,
      wrong: 'SignatureDoesNotMatch',
    })
  })
})
