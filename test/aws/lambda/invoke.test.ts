import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { STS } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refusal } from '../region-under-test.ts'
import { ARN, lambdaUnderTest, processesWith } from './lambda-under-test.ts'

describe('Invoke', () => {
  const world = lambdaUnderTest()
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-lambda-'))
    await chmod(folder, 0o777)
  })
  afterAll(async () => await rm(folder, { recursive: true, force: true }))

  test('answers what a handler returns, asynchronously or by its callback, of either kind of module', async () => {
    const about =
      '({ event, name: context.functionName, arn: context.invokedFunctionArn, custom: context.clientContext?.custom })'
    await world.create('common', `exports.handler = async (event, context) => ${about}`)
    await world.create(
      'module',
      {
        'lib/index.mjs': "import { two } from './two.mjs'\nexport const handler = async () => two",
        'lib/two.mjs': 'export const two = 2',
      },
      { Handler: 'lib/index.handler' },
    )
    await world.create(
      'called',
      'exports.handler = (event, _, done) => setTimeout(done, 5, null, event)',
    )
    const ClientContext = Buffer.from('{"custom":{"a":"1"}}').toString('base64')
    const { Payload, StatusCode, ExecutedVersion, FunctionError, LogResult } = await world
      .lambda()
      .invoke({ FunctionName: `${ARN}:common`, Payload: '[1]', ClientContext })
    expect(JSON.parse(Payload!.transformToString())).toEqual({
      ...{ event: [1], name: 'common', arn: `${ARN}:common`, custom: { a: '1' } },
    })
    expect({ StatusCode, ExecutedVersion, FunctionError, LogResult }).toEqual({
      ...{ StatusCode: 200, ExecutedVersion: '$LATEST' },
      ...{ FunctionError: undefined, LogResult: undefined },
    })
    expect((await world.call('000000000000:function:module')).payload).toBe(2)
    expect((await world.call('called:$LATEST')).payload).toEqual({})
  })

  test('gives a function what AWS gives it and its own variables, and acts as its role', async () => {
    await world.create(
      'environment',
      'exports.handler = async () => ({ ...process.env, keys: Object.keys(process.env) })',
      { Environment: { Variables: { TABLE: 'orders' } } },
    )
    const { payload } = await world.call('environment')
    expect(payload).toMatchObject({
      ...{ TABLE: 'orders', AWS_REGION: 'ap-southeast-1', AWS_LAMBDA_FUNCTION_NAME: 'environment' },
      ...{ _HANDLER: 'index.handler', AWS_ENDPOINT_URL: world.endpoint() },
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
    })
    expect(
      payload.keys.filter((name: string) => !/^(AWS_|LAMBDA_|_HANDLER)/.test(name)).sort(),
    ).toEqual(['LANG', 'PATH', 'TABLE', 'TZ'])
    const credentials = {
      accessKeyId: payload.AWS_ACCESS_KEY_ID,
      secretAccessKey: payload.AWS_SECRET_ACCESS_KEY,
      sessionToken: payload.AWS_SESSION_TOKEN,
    }
    const { Arn } = await new STS(world.as(credentials)).getCallerIdentity({})
    expect(Arn).toBe('arn:aws:sts::000000000000:assumed-role/worker/environment')
  })

  test('tells how a function has failed, with the end of its log', async () => {
    const failing: readonly [string, string, object][] = [
      [
        'throwing',
        'exports.handler = async () => { console.log("x".repeat(5000)); console.log("nearly"); throw new TypeError("no rows") }',
        {
          errorType: 'TypeError',
          errorMessage: 'no rows',
          trace: expect.arrayContaining(['TypeError: no rows']),
        },
      ],
      [
        'texting',
        'exports.handler = (e, c, done) => done("late")',
        { errorType: 'string', errorMessage: 'late' },
      ],
      ['exiting', 'exports.handler = () => process.exit(3)', { errorType: 'Runtime.ExitError' }],
      [
        'hanging',
        'exports.handler = async () => new Promise(() => {})',
        { errorType: 'Runtime.NodeJsExit' },
      ],
      [
        'rejecting',
        'exports.handler = () => { Promise.reject(new Error("lost")) }',
        {
          ...{ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' },
        },
      ],
      ['nameless', 'exports.other = 1', { errorType: 'Runtime.HandlerNotFound' }],
      ['broken', 'exports.handler = (', { errorType: 'Runtime.UserCodeSyntaxError' }],
      [
        'looping',
        'const a = {}; a.a = a; exports.handler = async () => a',
        { errorType: 'Runtime.MarshalError' },
      ],
      [
        'large',
        'exports.handler = async () => "x".repeat(7e6)',
        { errorType: 'Function.ResponseSizeTooLarge' },
      ],
    ]
    for (const [name, code] of failing) await world.create(name, code)
    await Promise.all(
      failing.map(async ([name, , error]) => {
        const { FunctionError, StatusCode, payload, log } = await world.call(name)
        expect({ name, FunctionError, StatusCode }).toEqual({
          name,
          FunctionError: 'Unhandled',
          StatusCode: 200,
        })
        expect(payload).toMatchObject(error)
        expect(log).toMatch(/END RequestId: .*\nREPORT RequestId/)
      }),
    )
    const { log } = await world.call('throwing')
    expect(Buffer.byteLength(log)).toBe(4096)
    expect(log).toMatch(/\tINFO\tnearly\n.*\tERROR\tInvoke Error \t\{"errorType":"TypeError"/)
  })

  test('ends a function at its timeout, with all that it has started', async () => {
    const mark = `lifeboat-timeout-${process.pid}`
    const code = `
      const { spawn } = require('node:child_process')
      exports.handler = async () => {
        const script = 'sleep 1000 & wait # ${mark}'
        spawn('sh', ['-c', script], { detached: true, stdio: 'inherit' }).unref()
        spawn('sh', ['-c', script], { env: {} })
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      }`
    await world.create('slow', code, { Timeout: 1 })
    const answer = world.call('slow')
    await until('they run', 30_000, async () => processesWith(mark).length >= 2)
    const { payload, FunctionError, log } = await answer
    expect(FunctionError).toBe('Unhandled')
    expect(payload).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(
        /^RequestId: \S+ Error: Task timed out after 1.00 seconds$/,
      ),
    })
    expect(log).toContain('Task timed out after 1.00 seconds')
    expect(processesWith(mark)).toEqual([])
  })

  test('answers an event before it runs, and a dry run without running anything', async () => {
    const file = join(folder, 'ran')
    await world.create(
      'writing',
      `exports.handler = async (event) => require('node:fs').appendFileSync(event.file, 'ran ')`,
    )
    const Payload = JSON.stringify({ file })
    const dry = await world
      .lambda()
      .invoke({ FunctionName: 'writing', InvocationType: 'DryRun', Payload })
    expect(dry.StatusCode).toBe(204)
    const event = await world
      .lambda()
      .invoke({ FunctionName: 'writing', InvocationType: 'Event', Payload })
    expect(event).toMatchObject({ StatusCode: 202 })
    await until('it has run', 30_000, async () => existsSync(file))
    expect(readFileSync(file, 'utf8')).toBe('ran ')
  })

  test('refuses what it cannot call, and calls nothing', async () => {
    const invoke = (input: object) =>
      refusal(world.lambda().invoke({ FunctionName: 'common', ...input }))
    expect(await invoke({ FunctionName: 'absent' })).toBe('ResourceNotFoundException')
    expect(await invoke({ FunctionName: 'common:live' })).toBe('ResourceNotFoundException')
    expect(await invoke({ Qualifier: '1' })).toBe('ResourceNotFoundException')
    const elsewhere = `${ARN.replace('ap-southeast-1', 'eu-west-1')}:common`
    expect(await invoke({ FunctionName: elsewhere })).toBe('ResourceNotFoundException')
    expect(await invoke({ FunctionName: 'a/b' })).toBe('InvalidParameterValueException')
    expect(await invoke({ Payload: 'x' })).toBe('InvalidRequestContentException')
    expect(await invoke({ Payload: JSON.stringify('x'.repeat(6.3e6)) })).toBe(
      'RequestTooLargeException',
    )
    expect(await invoke({ Payload: JSON.stringify('x'.repeat(12e6)) })).toBe(
      'RequestTooLargeException',
    )
    expect(world.errors).toEqual([])
  })
})
