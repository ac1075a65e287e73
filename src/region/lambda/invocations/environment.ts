import { invalidParameter } from '../checks.ts'
import { LATEST } from '../function-name.ts'
import type { FunctionRecord } from '../function-record.ts'

/** Source: Lambda Developer Guide, "Defined runtime environment variables". */
const RESERVED: ReadonlySet<string> = new Set([
  ...['_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_EXECUTION_ENV'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION'],
  ...['AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME'],
  ...['AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
])
const MAX_BYTES = 4096

/** @throws LambdaFault `InvalidParameterValueException` */
export function checkedVariables(
  variables: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  if (variables === undefined) return undefined
  const reserved = Object.keys(variables).filter((name) => RESERVED.has(name))
  if (reserved.length > 0) {
    throw invalidParameter(
      'Lambda was unable to configure your environment variables because the environment variables you have provided ' +
        'contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ' +
        reserved.join(', '),
    )
  }
  const isValid = ([name, value]: [string, string]) =>
    /^[a-zA-Z][a-zA-Z0-9_]+$/.test(name) && !value.includes('\0')
  if (!Object.entries(variables).every(isValid)) {
    throw invalidParameter(
      'A variable has a name of letters, digits and underscores, and no zero byte.',
    )
  }
  if (JSON.stringify(variables).length > MAX_BYTES) {
    throw invalidParameter(
      'Lambda was unable to configure your environment variables because the environment variables you have provided ' +
        `exceeded the ${MAX_BYTES / 1024}KB limit.`,
    )
  }
  return { ...variables }
}

/**
 * The environment of a function: what AWS gives, and the function's own over it where those are not reserved.
 *
 * Unlike AWS: a function is given `AWS_ENDPOINT_URL`, without which SDKs would call AWS, and brings the SDK itself where it needs one.
 *
 * @param o.stream  tells this invocation from all others
 */
export function environmentOf(
  fn: FunctionRecord,
  o: {
    region: string
    endpoint: string
    taskRoot: string
    runtimeFolder: string
    stream: string
    keys: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  },
): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    AWS_ENDPOINT_URL: o.endpoint,
    ...fn.environment,
    AWS_REGION: o.region,
    AWS_DEFAULT_REGION: o.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${fn.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${fn.memoryMb}`,
    AWS_LAMBDA_FUNCTION_VERSION: LATEST,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: o.stream,
    AWS_ACCESS_KEY_ID: o.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: o.keys.secretAccessKey,
    AWS_SESSION_TOKEN: o.keys.sessionToken,
    LAMBDA_TASK_ROOT: o.taskRoot,
    LAMBDA_RUNTIME_DIR: o.runtimeFolder,
    _HANDLER: fn.handler,
  }
}
