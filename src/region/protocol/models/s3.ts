import { createRequire } from 'node:module'
import { readModel } from '../model.ts'

const require = createRequire(import.meta.url)

/** Amazon S3, API version 2006-03-01. */
export const s3Model = readModel(() => require('@aws-sdk/client-s3'), {
  name: 's3',
  protocol: 'rest-xml',
  version: '2006-03-01',
  xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
})

export type * from '@aws-sdk/client-s3'
