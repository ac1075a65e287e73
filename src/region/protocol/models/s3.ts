import * as sdk from '@aws-sdk/client-s3'
import { readModel } from '../model.ts'

/** Amazon S3, API version 2006-03-01. */
export const s3Model = readModel(sdk, {
  name: 's3',
  protocol: 'rest-xml',
  version: '2006-03-01',
  xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
})

export type * from '@aws-sdk/client-s3'
