import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-s3-control'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'

const require = createRequire(import.meta.url)

/** Amazon S3 Control, API version 2018-08-20: signed as S3, told apart by its paths. */
export const s3ControlModel = readModel(() => require('@aws-sdk/client-s3-control'), {
  name: 's3',
  protocol: 'rest-xml',
  version: '2018-08-20',
  xmlNamespace: 'http://awss3control.amazonaws.com/doc/2018-08-20/',
})

/** An error of the S3 Control model, or a common one. */
export class S3ControlFault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(s3ControlModel, shape))
  }
}

export type * from '@aws-sdk/client-s3-control'
