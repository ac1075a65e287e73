import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-secrets-manager'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** AWS Secrets Manager, API version 2017-10-17. */
export const secretsManagerModel = readModel(() => require('@aws-sdk/client-secrets-manager'), {
  name: 'secretsmanager',
  protocol: 'json-1.1',
  version: 'secretsmanager',
})

export type SecretsManagerFaultName = FaultName<typeof sdk>
export type SecretsManagerActions = Actions<sdk.SecretsManager>

/** An error of the Secrets Manager model, or a common one. */
export class SecretsManagerFault extends Fault<SecretsManagerFaultName> {
  constructor(shape: SecretsManagerFaultName, message: string) {
    super(shape, message, faultOf(secretsManagerModel, shape))
  }
}

export type * from '@aws-sdk/client-secrets-manager'
