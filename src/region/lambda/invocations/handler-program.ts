/**
 * Calls a function's handler once, as the Node.js runtime of AWS does. It is copied to where the account of functions can read
 * it, so it imports nothing of ours.
 *
 * stdin  one line of JSON, a `HandlerOrder`, and then the event
 * fd 3   `begun` when the handler is about to be called, and then one line of JSON: `{"value": …}` or `{"error": …}`
 */
import { existsSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

/** What the region tells it beside the event. */
export interface HandlerOrder {
  readonly requestId: string
  readonly functionArn: string
  readonly timeoutMs: number
  readonly clientContext: unknown
}

type Handler = (event: unknown, context: object, callback: Callback) => unknown
type Callback = (error?: unknown, value?: unknown) => void

const REPORT_FD = 3
const LEVELS = {
  ...{ trace: 'TRACE', debug: 'DEBUG', log: 'INFO' },
  ...{ info: 'INFO', warn: 'WARN', error: 'ERROR' },
} as const

/** As AWS names failures of its own runtime. */
class RuntimeFailure extends Error {
  constructor(
    override readonly name: string,
    message: string,
  ) {
    super(message)
  }
}

const input = readFileSync(0)
const end = input.indexOf('\n')
const order: HandlerOrder = JSON.parse(input.subarray(0, end).toString())
const event = input.subarray(end + 1).toString()

for (const [method, level] of Object.entries(LEVELS)) {
  console[method as keyof typeof LEVELS] = (...said: unknown[]) => log(level, format(...said))
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', (reason) => {
  const said = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)
  const failure = new RuntimeFailure('Runtime.UnhandledPromiseRejection', said)
  fail(Object.assign(failure, reason instanceof Error && { stack: reason.stack }))
})
load(process.env._HANDLER ?? '')
  .then((handler) => {
    report('begun')
    return call(handler)
  })
  .then(succeed)
  .catch(fail)

async function load(name: string): Promise<Handler> {
  const [, path = '', member = ''] = /^(.*?[^/.]+)\.([^/]+)$/.exec(name) ?? []
  const base = join(process.env.LAMBDA_TASK_ROOT ?? '', path)
  const file = ['.js', '.mjs', '.cjs'].map((end) => base + end).find((one) => existsSync(one))
  if (file === undefined) {
    throw new RuntimeFailure('Runtime.ImportModuleError', `Error: Cannot find module '${path}'`)
  }
  const loaded = await imported(file)
  const handler = [loaded, loaded.default].map((one) => memberOf(one, member)).find(isFunction)
  if (handler) return handler
  throw new RuntimeFailure('Runtime.HandlerNotFound', `${name} is undefined or not exported`)
}

async function imported(file: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const isMissing = /MODULE_NOT_FOUND$/.test(code)
    if (!isMissing && !(error instanceof SyntaxError)) throw error
    const name = isMissing ? 'Runtime.ImportModuleError' : 'Runtime.UserCodeSyntaxError'
    throw new RuntimeFailure(name, String(error))
  }
}

function memberOf(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((now, name) => (now as Record<string, unknown> | undefined)?.[name], value)
}

function isFunction(value: unknown): value is Handler {
  return typeof value === 'function'
}

function call(handler: Handler): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const endsAtMs = process.uptime() * 1000 + order.timeoutMs
    let answer: { error: unknown; value: unknown } | undefined
    const answered = () => (answer?.error == null ? resolve(answer?.value) : reject(answer.error))
    const callback: Callback = (error, value) => {
      answer ??= { error, value }
      if (!context.callbackWaitsForEmptyEventLoop) answered()
    }
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      invokedFunctionArn: order.functionArn,
      awsRequestId: order.requestId,
      ...(order.clientContext === undefined ? {} : { clientContext: order.clientContext }),
      getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsAtMs - process.uptime() * 1000)),
    }
    const isAsync = handler.constructor.name === 'AsyncFunction'
    // Nothing is left that could answer.
    process.once('beforeExit', () => {
      if (!isAsync || answer) return answered()
      const message =
        'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that ' +
        'was never settled.'
      reject(new RuntimeFailure('Runtime.NodeJsExit', message))
    })
    const result = handler(JSON.parse(event), context, callback) as PromiseLike<unknown> | undefined
    // What is returned otherwise is no answer.
    if (typeof result?.then === 'function') result.then(resolve, reject)
  })
}

function succeed(value: unknown): void {
  report(`{"value":${marshalled(value)}}`)
  process.exit()
}

function marshalled(value: unknown): string {
  try {
    return JSON.stringify(value ?? null) ?? 'null'
  } catch (cause) {
    const failure = new RuntimeFailure('Runtime.MarshalError', 'Unable to stringify response body')
    throw Object.assign(failure, { cause })
  }
}

function fail(error: unknown): void {
  const said = {
    errorType: error instanceof Error ? error.name : typeof error,
    errorMessage: error instanceof Error ? error.message : String(error),
    trace: error instanceof Error ? (error.stack ?? '').split('\n') : [],
  }
  log('ERROR', `Invoke Error \t${JSON.stringify(said)}`)
  report(JSON.stringify({ error: said }))
  process.exit()
}

function log(level: string, message: string): void {
  const at = new Date(performance.timeOrigin + process.uptime() * 1000).toISOString()
  writeAll(1, `${at}\t${order.requestId}\t${level}\t${message}\n`)
}

function report(line: string): void {
  writeAll(REPORT_FD, `${line}\n`)
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
