import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-rds'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** Amazon RDS, API version 2014-10-31. */
export const rdsModel = readModel(() => require('@aws-sdk/client-rds'), {
  name: 'rds',
  protocol: 'query',
  version: '2014-10-31',
  xmlNamespace: 'http://rds.amazonaws.com/doc/2014-10-31/',
})

export type RdsFaultName = FaultName<typeof sdk>
export type RdsActions = Actions<sdk.RDS>

/** An error of the RDS model, or a common one. */
export class RdsFault extends Fault<RdsFaultName> {
  constructor(shape: RdsFaultName, message: string) {
    super(shape, message, faultOf(rdsModel, shape))
  }
}

export type * from '@aws-sdk/client-rds'
