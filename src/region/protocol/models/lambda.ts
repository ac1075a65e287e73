import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-lambda'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** AWS Lambda, API version 2015-03-31. */
export const lambdaModel = readModel(() => require('@aws-sdk/client-lambda'), {
  name: 'lambda',
  protocol: 'rest-json',
  version: '2015-03-31',
})

export type LambdaActions = Actions<sdk.Lambda>

/** An error of the Lambda model, or a common one. */
export class LambdaFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(lambdaModel, shape))
  }
}

export type * from '@aws-sdk/client-lambda'
