import { type StsActions, stsModel } from '../protocol/models/sts.ts'
import type { Service } from '../protocol/service.ts'
import { getCallerIdentity } from './actions/get-caller-identity.ts'

/** AWS STS, as far as asking who one is. */
export function stsService(): Service {
  const actions = { GetCallerIdentity: getCallerIdentity } satisfies StsActions
  return { model: stsModel, actions }
}
