import { readdirSync, readFileSync } from 'node:fs'
import { type CreateFunctionCommandInput, Lambda } from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import { beforeAll } from 'vitest'
import { iamUnderTest, policyOf } from '../iam/iam-under-test.ts'

export const ARN = 'arn:aws:lambda:ap-southeast-1:000000000000:function'

/** What lets Lambda assume a role. */
export const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ],
})

/** A deployment package of these files. */
export function packageOf(files: Readonly<Record<string, string>>): Uint8Array {
  const bytes = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const)
  return zipSync(Object.fromEntries(bytes))
}

/** A region with a Lambda client of its root user and a role for functions, for a test file. */
export function lambdaUnderTest() {
  const region = iamUnderTest()
  let lambda: Lambda
  let role: string
  const connect = () => {
    lambda = new Lambda(region.client())
  }
  beforeAll(async () => {
    connect()
    role = await region.roleWith('worker', TRUST, policyOf({ Action: 'secretsmanager:*' }))
  })
  return {
    ...region,
    lambda: () => lambda,
    role: () => role,
    restart: async () => {
      await region.restart()
      connect()
    },
    /** Makes a function of `index.js`, or of the files that are given. */
    create: async (
      FunctionName: string,
      code: string | Readonly<Record<string, string>>,
      more: Partial<CreateFunctionCommandInput> = {},
    ) =>
      await lambda.createFunction({
        ...{ FunctionName, Role: role, Runtime: 'nodejs22.x', Handler: 'index.handler' },
        Code: { ZipFile: packageOf(typeof code === 'string' ? { 'index.js': code } : code) },
        ...more,
      }),
    /** Calls a function and waits; `log` is the end of its log. */
    call: async (FunctionName: string, event?: unknown) => {
      const { Payload, LogResult, ...answer } = await lambda.invoke({
        ...{ FunctionName, LogType: 'Tail' },
        ...(event !== undefined && { Payload: JSON.stringify(event) }),
      })
      const log = Buffer.from(LogResult ?? '', 'base64').toString()
      return { ...answer, payload: JSON.parse(Payload!.transformToString()), log }
    },
  }
}

/** The processes that hold a text in their arguments. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(text))
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}
