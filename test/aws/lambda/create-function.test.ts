import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Lambda } from '@aws-sdk/client-lambda'
import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { policyOf, trustOf } from '../iam/iam-under-test.ts'
import { CREDENTIALS, REGION, refusal } from '../region-under-test.ts'
import { ARN, lambdaUnderTest, packageOf } from './lambda-under-test.ts'

const code = 'exports.handler = async (event) => event'
const hasCli = runs('aws', ['--version'])

describe('CreateFunction', () => {
  const world = lambdaUnderTest()
  const names = async () =>
    (await world.lambda().listFunctions({})).Functions!.map(({ FunctionName }) => FunctionName)

  test('tells what it has made, with the defaults of AWS', async () => {
    const made = await world.create('made', code, {
      Environment: { Variables: { TABLE: 'orders' } },
    })
    expect(made).toMatchObject({
      ...{ FunctionName: 'made', FunctionArn: `${ARN}:made`, Runtime: 'nodejs22.x', Timeout: 3 },
      ...{ MemorySize: 128, Version: '$LATEST', State: 'Active', Role: world.role() },
      ...{
        Environment: { Variables: { TABLE: 'orders' } },
        CodeSize: packageOf({ 'index.js': code }).length,
      },
      CodeSha256: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      LastModified: expect.stringMatching(/^\d{4}-.*\+0000$/),
    })
    expect(made.$metadata.httpStatusCode).toBe(201)
  })

  test('refuses what it cannot honour, and makes nothing', async () => {
    const before = await names()
    const invalid = 'InvalidParameterValueException'
    const trusting = await world.roleWith('for-others', trustOf('arn:aws:iam::000000000000:root'))
    const refused: [object, string][] = [
      [{ FunctionName: 'made' }, 'ResourceConflictException'],
      [{ FunctionName: 'not a name' }, invalid],
      [{ Runtime: 'python3.12' }, invalid],
      [{ Runtime: undefined }, invalid],
      [{ Handler: '../index.handler' }, invalid],
      [{ Timeout: 901 }, invalid],
      [{ Timeout: 0 }, invalid],
      [{ MemorySize: 64 }, invalid],
      [{ Role: 'arn:aws:iam::000000000000:role/absent' }, invalid],
      [{ Role: trusting }, invalid],
      [{ Environment: { Variables: { AWS_REGION: 'x' } } }, invalid],
      [{ Environment: { Variables: { LONG: 'x'.repeat(5000) } } }, invalid],
      [{ Layers: ['arn:aws:lambda:ap-southeast-1:000000000000:layer:one:1'] }, invalid],
      [{ Tags: { of: 'us' } }, invalid],
      [{ Code: { S3Bucket: 'code', S3Key: 'one.zip' } }, invalid],
      [{ Code: { ZipFile: Buffer.from('no zip') } }, invalid],
    ]
    for (const [input, error] of refused) {
      expect([input, await refusal(world.create('refused', code, input))]).toEqual([input, error])
    }
    expect(await names()).toEqual(before)
  })

  test('refuses packages that leave their folder, or are none when they are unpacked', async () => {
    const before = await names()
    for (const path of ['../out.js', '/etc/out.js', 'a/../../out.js', 'a\\..\\out.js', 'a//b.js']) {
      const made = world.create('escaping', { [path]: code, 'index.js': code })
      expect([path, await refusal(made)]).toEqual([path, 'InvalidParameterValueException'])
    }
    const both = world.create('both', { a: code, 'a/b.js': code })
    expect(await refusal(both)).toBe('InvalidParameterValueException')
    const ZipFile = Buffer.from(packageOf({ 'index.js': code }))
    // What the package's directory says of the file's size.
    ZipFile.writeUInt32LE(300 * 1024 * 1024, ZipFile.indexOf('PK\x01\x02') + 24)
    const bomb = world.create('bomb', code, { Code: { ZipFile } })
    await expect(bomb).rejects.toThrow('Unzipped size must be smaller than 262144000 bytes')
    expect(await names()).toEqual(before)
  })

  test('needs the right to it and to pass the role on, and Invoke that to the one function', async () => {
    const client = async (user: string, ...policy: Parameters<typeof policyOf>) =>
      new Lambda(world.as(await world.userWith(user, policyOf(...policy))))
    const without = await client('without', { Action: 'lambda:*' })
    const input = {
      ...{ FunctionName: 'theirs', Role: world.role(), Runtime: 'nodejs20.x' as const },
      ...{ Handler: 'index.handler', Code: { ZipFile: packageOf({ 'index.js': code }) } },
    }
    expect(await refusal(without.createFunction(input))).toBe('AccessDeniedException')
    expect(await refusal(world.lambda().getFunction({ FunctionName: 'theirs' }))).toBe(
      'ResourceNotFoundException',
    )
    const pass = { Action: 'iam:PassRole', Resource: world.role() }
    await (await client('with', { Action: 'lambda:CreateFunction' }, pass)).createFunction(input)
    const caller = await client('caller', {
      ...{ Action: 'lambda:InvokeFunction', Resource: `${ARN}:theirs` },
    })
    expect((await caller.invoke({ FunctionName: 'theirs' })).StatusCode).toBe(200)
    for (const call of [
      () => caller.invoke({ FunctionName: 'made', InvocationType: 'DryRun' as const }),
      () => caller.invoke({ FunctionName: 'theirs', Qualifier: '$LATEST' }),
      () => caller.getFunction({ FunctionName: 'theirs' }),
      () => caller.deleteFunction({ FunctionName: 'theirs' }),
      () => caller.listFunctions({}),
    ]) {
      expect(await refusal(call())).toBe('AccessDeniedException')
    }
    expect(await names()).toContain('theirs')
    const forged = { ...CREDENTIALS, secretAccessKey: 'x'.repeat(40) }
    expect(await refusal(new Lambda(world.as(forged)).listFunctions({}))).toBe(
      'InvalidSignatureException',
    )
  })

  test.skipIf(!hasCli)(
    `is made and called by the aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'lifeboat-lambda-cli-'))
      const zip = join(folder, 'code.zip')
      await writeFile(zip, packageOf({ 'index.js': code }))
      const aws = async (...args: string[]) =>
        await outputOf('aws', ['lambda', ...args, '--output', 'json'], {
          AWS_ENDPOINT_URL: world.endpoint(),
          AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
          AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
          AWS_DEFAULT_REGION: REGION,
          AWS_EC2_METADATA_DISABLED: 'true',
        })
      await aws(
        ...['create-function', '--function-name', 'by-cli', '--role', world.role()],
        ...[
          '--runtime',
          'nodejs22.x',
          '--handler',
          'index.handler',
          '--zip-file',
          `fileb://${zip}`,
        ],
      )
      const out = join(folder, 'out.json')
      const event = join(folder, 'event.json')
      await writeFile(event, '{"from":"cli"}')
      const answer = await aws(
        ...['invoke', '--function-name', `${ARN}:by-cli`, '--payload', `fileb://${event}`, out],
      )
      expect(JSON.parse(answer)).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' })
      expect(await readFile(out, 'utf8')).toBe('{"from":"cli"}')
      await rm(folder, { recursive: true })
    },
    60_000,
  )
})
