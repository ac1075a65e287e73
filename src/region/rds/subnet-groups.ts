import { Turns } from '../../core/turns.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { RdsFault, subnetGroupNotFound } from './faults.ts'
import type { RegionNames } from './region-names.ts'
import type { Tag } from './tags.ts'

const COLLECTION = 'subnet-groups'

export interface SubnetGroup {
  readonly name: string
  readonly description: string
  /** In the order given. Unlike AWS: subnets are names; their zones are dealt out in turn. */
  readonly subnetIds: readonly string[]
  readonly tags: readonly Tag[]
}

/** The DB subnet groups of a region: those that were created, and the default one. */
export class SubnetGroups {
  readonly #turns = new Turns()

  constructor(
    private readonly documents: DocumentStore,
    private readonly names: RegionNames,
  ) {}

  list(): SubnetGroup[] {
    return [DEFAULT_GROUP, ...this.documents.list<SubnetGroup>(COLLECTION)]
  }

  find(name: string): SubnetGroup | undefined {
    return this.list().find((group) => group.name === name.toLowerCase())
  }

  /** @throws RdsFault `DBSubnetGroupNotFoundFault` */
  get(name: string): SubnetGroup {
    const group = this.find(name)
    if (!group) throw subnetGroupNotFound(name)
    return group
  }

  /** @throws RdsFault `DBSubnetGroupAlreadyExistsFault` */
  async add(group: SubnetGroup): Promise<void> {
    await this.#turns.take(async () => {
      if (this.find(group.name)) {
        throw new RdsFault(
          'DBSubnetGroupAlreadyExistsFault',
          `The DB subnet group '${group.name}' already exists.`,
        )
      }
      await this.documents.put(COLLECTION, group.name, group)
    })
  }

  async change(name: string, next: (group: SubnetGroup) => SubnetGroup): Promise<void> {
    await this.#turns.take(async () => {
      const group = this.get(name)
      if (group.name !== DEFAULT_GROUP.name) {
        await this.documents.put(COLLECTION, group.name, next(group))
      }
    })
  }

  async remove(name: string): Promise<void> {
    await this.#turns.take(() => this.documents.delete(COLLECTION, name))
  }

  /** A group as RDS answers it. */
  shapeOf(group: SubnetGroup) {
    return {
      DBSubnetGroupName: group.name,
      DBSubnetGroupDescription: group.description,
      VpcId: this.names.vpcId,
      SubnetGroupStatus: 'Complete',
      Subnets: group.subnetIds.map((id, index) => ({
        SubnetIdentifier: id,
        SubnetAvailabilityZone: { Name: `${this.names.region}${'abc'[index % 3]}` },
        SubnetOutpost: {},
        SubnetStatus: 'Active',
      })),
      DBSubnetGroupArn: this.names.arn('subgrp', group.name),
      SupportedNetworkTypes: ['IPV4'],
    }
  }
}

const DEFAULT_GROUP: SubnetGroup = {
  name: 'default',
  description: 'default',
  subnetIds: ['subnet-0000000000000000a', 'subnet-0000000000000000b', 'subnet-0000000000000000c'],
  tags: [],
}
