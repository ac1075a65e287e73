import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-iam'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** AWS Identity and Access Management, API version 2010-05-08. */
export const iamModel = readModel(() => require('@aws-sdk/client-iam'), {
  name: 'iam',
  protocol: 'query',
  version: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
})

export type IamFaultName = FaultName<typeof sdk>
export type IamActions = Actions<sdk.IAM>

/** An error of the IAM model, or a common one. */
export class IamFault extends Fault<IamFaultName> {
  constructor(shape: IamFaultName, message: string) {
    super(shape, message, faultOf(iamModel, shape))
  }
}

export type * from '@aws-sdk/client-iam'
