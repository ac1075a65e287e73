import { createRequire } from 'node:module'
import type * as sdk from '@aws-sdk/client-ecs'
import { Fault } from '../fault.ts'
import { type FaultName, faultOf, readModel } from '../model.ts'
import type { Actions } from '../service.ts'

const require = createRequire(import.meta.url)

/** Amazon Elastic Container Service, API version 2014-11-13. */
export const ecsModel = readModel(() => require('@aws-sdk/client-ecs'), {
  name: 'ecs',
  protocol: 'json-1.1',
  version: 'AmazonEC2ContainerServiceV20141113',
})

export type EcsFaultName = FaultName<typeof sdk>
export type EcsActions = Actions<sdk.ECS>

/** An error of the ECS model, or a common one. */
export class EcsFault extends Fault<EcsFaultName> {
  constructor(shape: EcsFaultName, message: string) {
    super(shape, message, faultOf(ecsModel, shape))
  }
}

export type * from '@aws-sdk/client-ecs'
