import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-sns'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** Amazon Simple Notification Service, API version 2010-03-31. */
export const snsModel = readModel(() => require('@aws-sdk/client-sns'), {
  name: 'sns',
  protocol: 'query',
  version: '2010-03-31',
  xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
})

export type SnsActions = Actions<sdk.SNS>

/** An error of the SNS model, or a common one. */
export class SnsFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(snsModel, shape))
  }
}

export type * from '@aws-sdk/client-sns'
