import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-kms'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** AWS Key Management Service, API version 2014-11-01. */
export const kmsModel = readModel(() => require('@aws-sdk/client-kms'), {
  name: 'kms',
  protocol: 'json-1.1',
  version: 'TrentService',
})

export type KmsActions = Actions<sdk.KMS>

/** An error of the KMS model, or a common one. */
export class KmsFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    // The model has codes for the query protocol, which KMS does not speak.
    super(shape, message, { ...faultOf(kmsModel, shape), wireCode: shape })
  }
}

export type * from '@aws-sdk/client-kms'
