import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

const hasBoto = runs('python3', ['-c', 'import boto3'])

const SCRIPT = `
import boto3, io, json, urllib.request
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

seen = {}
s3 = boto3.client('s3')
for bucket in ['boto', 'elsewhere']:
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={'LocationConstraint': '${REGION}'})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
key = 'a/\\u00fc \\U0001f6df +%.txt'
first = s3.put_object(Bucket='boto', Key=key, Body=b'one', Metadata={'m': 'v'}, Tagging='t=1')
s3.put_object(Bucket='boto', Key=key, Body=b'two', ChecksumAlgorithm='SHA256')
seen['latest'] = s3.get_object(Bucket='boto', Key=key)['Body'].read().decode()
seen['first'] = s3.get_object(Bucket='boto', Key=key, VersionId=first['VersionId'])['Body'].read().decode()
seen['range'] = s3.get_object(Bucket='boto', Key=key, Range='bytes=1-')['Body'].read().decode()
large = bytes(range(256)) * 50000
config = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
s3.upload_fileobj(io.BytesIO(large), 'boto', 'large', Config=config)
back = io.BytesIO()
s3.download_fileobj('boto', 'large', back, Config=config)
seen['large'] = back.getvalue() == large
s3.copy({'Bucket': 'boto', 'Key': 'large'}, 'boto', 'copied', Config=config)
seen['copied'] = s3.head_object(Bucket='boto', Key='copied')['ContentLength']
pages = s3.get_paginator('list_objects_v2').paginate(Bucket='boto', PaginationConfig={'PageSize': 1})
seen['keys'] = [o['Key'] for p in pages for o in p['Contents']]
pages = s3.get_paginator('list_object_versions').paginate(Bucket='boto', PaginationConfig={'PageSize': 1})
seen['versions'] = len([v for p in pages for v in p.get('Versions', [])])
rule = {'ID': 'r', 'Prefix': '', 'Status': 'Enabled', 'Destination': {'Bucket': 'arn:aws:s3:::elsewhere'}}
configuration = {'Role': 'arn:aws:iam::000000000000:role/r', 'Rules': [rule]}
s3.put_bucket_replication(Bucket='boto', ReplicationConfiguration=configuration)
seen['replication'] = s3.get_bucket_replication(Bucket='boto')['ReplicationConfiguration'] == configuration
try:
    s3.put_object(Bucket='boto', Key=key, Body=b'three', IfNoneMatch='*')
except ClientError as error:
    seen['condition'] = error.response['Error']['Code']
try:
    s3.get_object(Bucket='boto', Key='absent')
except s3.exceptions.NoSuchKey as error:
    seen['typed'] = error.response['Error']['Key']

url = s3.generate_presigned_url('get_object', Params={'Bucket': 'boto', 'Key': key, 'ResponseContentType': 'a/b'}, ExpiresIn=60)
reply = urllib.request.urlopen(url)
seen['v2'] = ['AWSAccessKeyId' in url, reply.read().decode(), reply.headers['content-type']]
bent = [url.replace('Signature=', 'Signature=A'), url + '&versionId=null', url + '&tagging', url + '&x=1']
bent += [url.replace('a%2Fb', 'a%2Fc'), url.replace('/large', '/copied').replace('boto/a', 'boto/b'), url.replace('Expires=', 'Expires=1')]
def code(target, **more):
    try:
        return urllib.request.urlopen(urllib.request.Request(target, **more)).status
    except urllib.error.HTTPError as error:
        return error.code
seen['bent'] = [code(target) for target in bent] + [code(url, method='DELETE'), code(url, headers={'x-amz-acl': 'private'})]
from botocore.config import Config
v4 = boto3.client('s3', config=Config(signature_version='s3v4'))
url = v4.generate_presigned_url('get_object', Params={'Bucket': 'boto', 'Key': key}, ExpiresIn=60)
seen['url'] = urllib.request.urlopen(url).read().decode()
url = v4.generate_presigned_url('put_object', Params={'Bucket': 'boto', 'Key': 'by-url'}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url, data=b'put', method='PUT'))
seen['put'] = s3.get_object(Bucket='boto', Key='by-url')['Body'].read().decode()
form = v4.generate_presigned_post('boto', 'forms/\${filename}', Fields={'success_action_status': '201'},
    Conditions=[{'success_action_status': '201'}, ['content-length-range', 1, 5]], ExpiresIn=60)
def post(body):
    edge = 'edge-of-the-form'
    fields = ''.join('--%s\\r\\nContent-Disposition: form-data; name="%s"\\r\\n\\r\\n%s\\r\\n' % (edge, k, v) for k, v in form['fields'].items())
    file = '--%s\\r\\nContent-Disposition: form-data; name="file"; filename="a.txt"\\r\\n\\r\\n%s\\r\\n--%s--\\r\\n' % (edge, body, edge)
    headers = {'Content-Type': 'multipart/form-data; boundary=' + edge}
    return code(form['url'], data=(fields + file).encode(), method='POST', headers=headers)
seen['posted'] = [post('posted'), post('post'), s3.get_object(Bucket='boto', Key='forms/a.txt')['Body'].read().decode()]
secret = {'SSECustomerAlgorithm': 'AES256', 'SSECustomerKey': b'k' * 32}
s3.upload_fileobj(io.BytesIO(large), 'boto', 'sealed', Config=config, ExtraArgs=secret)
back = io.BytesIO()
s3.download_fileobj('boto', 'sealed', back, Config=config, ExtraArgs=secret)
seen['sealed'] = back.getvalue() == large
try:
    s3.get_object(Bucket='boto', Key='sealed')
except ClientError as error:
    seen['unsealed'] = error.response['Error']['Code']
rules = [{'ID': 'days', 'Status': 'Enabled', 'Filter': {'Prefix': 'sealed'}, 'Expiration': {'Days': 3}}]
s3.put_bucket_lifecycle_configuration(Bucket='boto', LifecycleConfiguration={'Rules': rules})
seen['rules'] = s3.get_bucket_lifecycle_configuration(Bucket='boto')['Rules'] == rules
seen['expires'] = 'rule-id="days"' in s3.head_object(Bucket='boto', Key='sealed', **secret)['Expiration']
for other in ['forms/a.txt', 'sealed']: s3.delete_object(Bucket='boto', Key=other)
seen['buckets'] = [b['BucketRegion'] for p in s3.get_paginator('list_buckets').paginate(PaginationConfig={'PageSize': 1}) for b in p['Buckets']]
seen['deleted'] = len(s3.delete_objects(Bucket='boto', Delete={'Objects': [{'Key': k} for k in seen['keys']]})['Deleted'])
print(json.dumps(seen))
`

describe.skipIf(!hasBoto)(`plain boto3${hasBoto ? '' : ' (skipped: needs boto3)'}`, () => {
  const region = s3UnderTest()

  test('puts, gets, copies, pages and presigns', async () => {
    const output = await outputOf('python3', ['-c', SCRIPT], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    expect(JSON.parse(output)).toEqual({
      latest: 'two',
      first: 'one',
      range: 'wo',
      large: true,
      copied: 12_800_000,
      keys: ['a/\u00fc \u{1f6df} +%.txt', 'copied', 'large'],
      versions: 4,
      replication: true,
      condition: 'PreconditionFailed',
      typed: 'absent',
      v2: [true, 'two', 'a/b'],
      bent: [403, 403, 403, 403, 403, 403, 400, 403, 403],
      url: 'two',
      put: 'put',
      posted: [400, 201, 'post'],
      sealed: true,
      unsealed: 'InvalidRequest',
      rules: true,
      expires: true,
      buckets: [REGION, REGION],
      deleted: 3,
    })
    expect(region.errors).toEqual([])
  })
})
