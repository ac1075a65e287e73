import type { FunctionConfiguration } from '../protocol/models/lambda.ts'
import { LATEST } from './function-name.ts'
import type { FunctionRecord } from './function-record.ts'

/** A function as clients read it. Unlike AWS: a function is `Active` as soon as it is made. */
export function functionShape(fn: FunctionRecord, arn: string): FunctionConfiguration {
  return {
    FunctionName: fn.name,
    FunctionArn: arn,
    Runtime: fn.runtime,
    Role: fn.role,
    Handler: fn.handler,
    CodeSize: fn.codeSizeBytes,
    Description: fn.description,
    Timeout: fn.timeoutSeconds,
    MemorySize: fn.memoryMb,
    LastModified: fn.modifiedAt.replace('Z', '+0000'),
    CodeSha256: fn.codeSha256,
    Version: LATEST,
    ...(fn.environment && { Environment: { Variables: fn.environment } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: fn.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [fn.architecture],
    EphemeralStorage: { Size: fn.ephemeralMb },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
  }
}
