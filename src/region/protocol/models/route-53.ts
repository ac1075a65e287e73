import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-route-53'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** Amazon Route 53, API version 2013-04-01. */
export const route53Model = readModel(() => require('@aws-sdk/client-route-53'), {
  name: 'route53',
  protocol: 'rest-xml',
  version: '2013-04-01',
  xmlNamespace: 'https://route53.amazonaws.com/doc/2013-04-01/',
})

export type Route53Actions = Actions<sdk.Route53>

/** An error of the Route 53 model, or a common one. */
export class Route53Fault extends Fault<FaultName<typeof sdk>> {
  constructor(shape: FaultName<typeof sdk>, message: string) {
    super(shape, message, faultOf(route53Model, shape))
  }
}

export type * from '@aws-sdk/client-route-53'
