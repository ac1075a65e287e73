import { createHash } from 'node:crypto'
import { AuthFault } from '../../protocol/auth-fault.ts'
import type {
  CreateFunctionRequest,
  FunctionConfiguration,
  Runtime,
} from '../../protocol/models/lambda.ts'
import { checkedNumber, invalidParameter, refuseUnsupported } from '../checks.ts'
import { readPackage } from '../code/package.ts'
import { LATEST, parseFunctionName } from '../function-name.ts'
import type { FunctionRecord } from '../function-record.ts'
import { functionShape } from '../function-shape.ts'
import { checkedVariables } from '../invocations/environment.ts'
import type { Invocations } from '../invocations/invocations.ts'
import type { Lambda } from '../lambda.ts'

const RUNTIMES: readonly Runtime[] = ['nodejs20.x', 'nodejs22.x']

/**
 * Makes a function of a deployment package in the request.
 *
 * @throws LambdaFault `InvalidParameterValueException`, `RequestTooLargeException`, `ResourceConflictException`
 */
export async function createFunction(
  { lambda, invocations }: { lambda: Lambda; invocations: Invocations },
  input: CreateFunctionRequest,
): Promise<FunctionConfiguration> {
  refuseUnavailable(input)
  const name = checkedName(input.FunctionName, lambda)
  const { runtime, handler } = checkedRuntime(input)
  const zip = input.Code?.ZipFile ?? new Uint8Array()
  readPackage(zip)
  const role = checkedRole(input.Role, name, invocations)
  const record: FunctionRecord = {
    name,
    id: lambda.o.random.hex(32),
    ...{ runtime, handler, role },
    description: input.Description ?? '',
    timeoutSeconds: checkedNumber('timeout', input.Timeout, { least: 1, most: 900, usual: 3 }),
    memoryMb: checkedNumber('memorySize', input.MemorySize, {
      ...{ least: 128, most: 10_240, usual: 128 },
    }),
    ephemeralMb: checkedNumber('ephemeralStorage.size', input.EphemeralStorage?.Size, {
      ...{ least: 512, most: 10_240, usual: 512 },
    }),
    architecture: input.Architectures?.[0] ?? 'x86_64',
    environment: checkedVariables(input.Environment?.Variables),
    codeSha256: createHash('sha256').update(zip).digest('base64'),
    codeSizeBytes: zip.length,
    modifiedAt: lambda.o.clock.now().toISOString(),
    revisionId: lambda.newId(),
  }
  await lambda.add(record, () => invocations.code.put(record.id, zip))
  return functionShape(record, lambda.arnOf(name))
}

function refuseUnavailable(input: CreateFunctionRequest): void {
  const { Code = {}, PackageType = 'Zip', TracingConfig, SnapStart, Architectures = [] } = input
  const { ZipFile: _, ...elsewhere } = Code
  refuseUnsupported({
    ...elsewhere,
    'PackageType Image': PackageType !== 'Zip',
    'Tracing by X-Ray': TracingConfig?.Mode === 'Active',
    SnapStart: SnapStart?.ApplyOn !== undefined && SnapStart.ApplyOn !== 'None',
    'Architectures other than x86_64': Architectures.some((one) => one !== 'x86_64'),
    Publish: input.Publish,
    PublishTo: input.PublishTo,
    VpcConfig: input.VpcConfig,
    DeadLetterConfig: input.DeadLetterConfig,
    KMSKeyArn: input.KMSKeyArn,
    Tags: input.Tags,
    Layers: input.Layers,
    FileSystemConfigs: input.FileSystemConfigs,
    CodeSigningConfigArn: input.CodeSigningConfigArn,
    ImageConfig: input.ImageConfig,
    LoggingConfig: input.LoggingConfig,
    TenancyConfig: input.TenancyConfig,
    CapacityProviderConfig: input.CapacityProviderConfig,
    DurableConfig: input.DurableConfig,
  })
}

function checkedName(text: string | undefined, lambda: Lambda): string {
  const named = parseFunctionName(text ?? '', lambda.o)
  if (!named || (named.qualifier !== undefined && named.qualifier !== LATEST)) {
    throw invalidParameter(`'${text}' names no function of this region and account.`)
  }
  return named.name
}

function checkedRuntime({ Runtime, Handler }: CreateFunctionRequest) {
  if (Runtime === undefined || Handler === undefined) {
    throw invalidParameter(
      'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
    )
  }
  const runtime = RUNTIMES.find((one) => one === Runtime)
  if (!runtime) {
    throw invalidParameter(
      `Value ${Runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ` +
        `[${RUNTIMES.join(', ')}]`,
    )
  }
  if (!/^[^\s/.][^\s]{0,127}$/.test(Handler) || Handler.split('/').includes('..')) {
    throw invalidParameter(`Value '${Handler}' at 'handler' is not like 'index.handler'.`)
  }
  return { runtime, handler: Handler }
}

function checkedRole(role: string | undefined, name: string, invocations: Invocations): string {
  try {
    invocations.checkRole(role ?? '', name)
    return role ?? ''
  } catch (error) {
    if (!(error instanceof AuthFault)) throw error
    throw invalidParameter('The role defined for the function cannot be assumed by Lambda.')
  }
}
