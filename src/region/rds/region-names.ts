import type { Random } from '../../core/random.ts'

type ResourceKind = 'db' | 'snapshot' | 'pg' | 'subgrp' | 'auto-backup' | 'og'

/** The names that AWS gives to things, for one region and account. */
export class RegionNames {
  constructor(
    readonly region: string,
    readonly accountId: string,
    private readonly random: Random,
  ) {}

  arn(kind: ResourceKind, name: string): string {
    return `arn:aws:rds:${this.region}:${this.accountId}:${kind}:${name}`
  }

  /** Kind and name of a resource of ours, or undefined for an ARN of anything else. */
  parseArn(arn: string): { kind: string; name: string } | undefined {
    const prefix = `arn:aws:rds:${this.region}:${this.accountId}:`
    const match = /^([a-z-]+):(.+)$/.exec(arn.startsWith(prefix) ? arn.slice(prefix.length) : '')
    return match?.[1] && match[2] ? { kind: match[1], name: match[2] } : undefined
  }

  /** The name in an ARN of that kind; what is no ARN is a name already. Undefined for another resource's ARN. */
  nameOf(kind: ResourceKind, nameOrArn: string): string | undefined {
    if (!nameOrArn.startsWith('arn:')) return nameOrArn
    const parsed = this.parseArn(nameOrArn)
    return parsed?.kind === kind ? parsed.name : undefined
  }

  /** As `db-ABCDEFGHIJKLMNOPQRSTUVWXYZ`: never given twice, also not when an identifier is used again. */
  newResourceId(prefix: 'db' | 'snap' | 'ab' = 'db'): string {
    return `${prefix}-${this.#letters(26)}`
  }

  get availabilityZone(): string {
    return `${this.region}a`
  }

  /** The VPC that everything is said to be in. Unlike AWS: there is no network to filter packets. */
  readonly vpcId = 'vpc-00000000000000001'
  readonly defaultSecurityGroup = 'sg-00000000000000001'

  #letters(count: number): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    return this.random
      .hex(count * 2)
      .replace(/../g, (byte) => alphabet[Number.parseInt(byte, 16) % alphabet.length] ?? 'A')
  }
}
