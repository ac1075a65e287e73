import * as sdk from '@aws-sdk/client-sts'
import { readModel } from '../model.ts'
import type { Actions } from '../service.ts'

/** AWS Security Token Service, API version 2011-06-15. */
export const stsModel = readModel(sdk, {
  name: 'sts',
  protocol: 'query',
  version: '2011-06-15',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
})

export type StsActions = Actions<sdk.STS>
