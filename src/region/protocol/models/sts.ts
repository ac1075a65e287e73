import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-sts'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** AWS Security Token Service, API version 2011-06-15. */
export const stsModel = readModel(() => require('@aws-sdk/client-sts'), {
  name: 'sts',
  protocol: 'query',
  version: '2011-06-15',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
})

export type StsActions = Actions<sdk.STS>

/** An error of the STS model, or a common one. */
export class StsFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(stsModel, shape))
  }
}

export type * from '@aws-sdk/client-sts'
