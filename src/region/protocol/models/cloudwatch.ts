import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-cloudwatch'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** Amazon CloudWatch, API version 2010-08-01. Its clients speak JSON 1.0, Smithy RPC v2 CBOR or AWS query. */
export const cloudWatchModel = readModel(() => require('@aws-sdk/client-cloudwatch'), {
  name: 'monitoring',
  protocol: 'json-1.1',
  version: 'GraniteServiceVersion20100801',
  query: {
    version: '2010-08-01',
    xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
  },
})

export type CloudWatchActions = Actions<sdk.CloudWatch>

/** An error of the CloudWatch model, or a common one. */
export class CloudWatchFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(cloudWatchModel, shape))
  }
}

export type * from '@aws-sdk/client-cloudwatch'
