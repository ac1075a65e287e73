import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import { Lambda } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HomeChild } from '../../../src/region/home-child.ts'
import { globalProgram, regionProgram } from '../../../src/region/home-programs.ts'
import { rootCredentials } from '../../../src/region/root-credentials.ts'
import { until } from '../../trials/trial-region.ts'
import { packageOf, processesWith, TRUST } from './lambda-under-test.ts'

const REGION = 'ap-southeast-1'

describe('a region killed with kill -9 while it runs a function', () => {
  let home: string
  let region: HomeChild
  let client: { region: string; endpoint: string; credentials: never; maxAttempts: number }

  const start = async () => {
    region = await HomeChild.start(regionProgram(home, REGION))
    const credentials = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8')) as never
    const endpoint = `http://127.0.0.1:${region.port}`
    client = { region: REGION, endpoint, credentials, maxAttempts: 1 }
  }
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-lambda-killed-'))
    await chmod(folder, 0o711)
    home = join(folder, 'home')
    await rootCredentials(join(home, 'credentials.json'))
    await start()
  })
  afterAll(async () => {
    await region.stop()
    await rm(join(home, '..'), { recursive: true, force: true })
  })

  test('has every function that it acknowledged, and nothing of what ran', async () => {
    const global = await HomeChild.start(globalProgram(home, { iamDelayMs: 0 }))
    const iam = new IAM({ ...client, endpoint: `http://127.0.0.1:${global.port}` })
    const { Role } = await iam.createRole({ RoleName: 'worker', AssumeRolePolicyDocument: TRUST })
    await global.stop()
    const mark = `lifeboat-killed-${process.pid}`
    const code = `
      const { spawn } = require('node:child_process')
      exports.handler = async ({ wait }) => {
        if (!wait) return 'well'
        spawn('sh', ['-c', 'sleep 1000 & wait # ${mark}'])
        await new Promise((resolve) => setTimeout(resolve, 600_000))
      }`
    const FunctionName = 'kept'
    let lambda = new Lambda(client)
    await lambda.createFunction({
      ...{ FunctionName, Role: Role!.Arn, Runtime: 'nodejs22.x', Handler: 'index.handler' },
      ...{ Timeout: 900, Code: { ZipFile: packageOf({ 'index.js': code }) } },
    })
    const waiting = lambda.invoke({ FunctionName, Payload: '{"wait":true}' }).catch(String)
    await until('it runs', 60_000, async () => processesWith(mark).length > 0)
    process.kill(-region.identity.pid, 'SIGKILL')
    await waiting
    await until('it is gone', 60_000, async () => processesWith(mark).length === 0)
    await start()
    lambda = new Lambda(client)
    const { Payload } = await lambda.invoke({ FunctionName, Payload: '{}' })
    expect(Payload!.transformToString()).toBe('"well"')

    const again = lambda.invoke({ FunctionName, Payload: '{"wait":true}' }).catch(String)
    await until('it runs again', 60_000, async () => processesWith(mark).length > 0)
    await region.stop()
    await again
    expect(processesWith(mark)).toEqual([])
    await start()
  }, 120_000)
})
