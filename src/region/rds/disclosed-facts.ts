import type { InstanceFacts } from './instance.ts'
import type { Rds } from './rds.ts'
import type { Encryption } from './storage-keys.ts'

/** Facts of an instance as another region gets them: what only this region can open is opened, to be sealed again there. */
export interface DisclosedFacts {
  readonly facts: Omit<InstanceFacts, 'sealedSuperuserPassword' | 'encryption'>
  /** ARN of the KMS key; undefined when it is not encrypted. */
  readonly keyArn?: string | undefined
  /** What is made from the data of an instance has its roles, with their passwords. */
  readonly superuserPassword: string
}

export function disclose(rds: Rds, instance: InstanceFacts): DisclosedFacts {
  const { sealedSuperuserPassword, encryption, ...facts } = instance
  const superuserPassword = rds.key.password(sealedSuperuserPassword)
  return { facts, keyArn: encryption?.keyArn, superuserPassword }
}

/** @param encryption  with a key of this region */
export function sealedHere(
  rds: Rds,
  { facts, superuserPassword }: DisclosedFacts,
  encryption: Encryption | undefined,
): InstanceFacts {
  return {
    ...facts,
    sealedSuperuserPassword: rds.key.sealPassword(superuserPassword),
    ...(encryption ? { encryption } : {}),
  }
}
