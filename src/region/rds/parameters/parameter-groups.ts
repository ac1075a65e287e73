import { Turns } from '../../../core/turns.ts'
import type { DocumentStore } from '../../protocol/documents.ts'
import { parameterGroupFamily } from '../engine-versions.ts'
import { parameterGroupNotFound, RdsFault } from '../faults.ts'
import type { Tag } from '../tags.ts'

const COLLECTION = 'parameter-groups'

/** Source: RDS User Guide, "Quotas in Amazon RDS". */
const QUOTA = 150

export interface ParameterGroup {
  readonly name: string
  readonly family: string
  readonly description: string
  /** Only what was set: value and, for a static one, when it takes effect. */
  readonly values: Readonly<Record<string, ParameterSetting>>
  readonly tags: readonly Tag[]
}

export interface ParameterSetting {
  readonly value: string
  readonly applyMethod: 'immediate' | 'pending-reboot'
}

/** The DB parameter groups of a region: those that were created, and one default for each family. */
export class ParameterGroups {
  readonly #turns = new Turns()
  readonly #defaults: readonly ParameterGroup[]

  constructor(
    private readonly documents: DocumentStore,
    majors: readonly number[],
  ) {
    this.#defaults = majors.map((major) => ({
      name: defaultParameterGroup(major),
      family: parameterGroupFamily(major),
      description: `Default parameter group for ${parameterGroupFamily(major)}`,
      values: {},
      tags: [],
    }))
  }

  list(): ParameterGroup[] {
    return [...this.#defaults, ...this.documents.list<ParameterGroup>(COLLECTION)]
  }

  find(name: string): ParameterGroup | undefined {
    return this.list().find((group) => group.name === name.toLowerCase())
  }

  /** @throws RdsFault `DBParameterGroupNotFoundFault` */
  get(name: string): ParameterGroup {
    const group = this.find(name)
    if (!group) throw parameterGroupNotFound(name)
    return group
  }

  /** What a server that uses the group is given, by name. */
  parametersOf(name: string): Record<string, string> {
    return parametersIn(this.get(name).values)
  }

  isDefault(name: string): boolean {
    return this.#defaults.some((group) => group.name === name.toLowerCase())
  }

  /** @throws RdsFault `DBParameterGroupAlreadyExistsFault`, `DBParameterGroupQuotaExceededFault` */
  async add(group: ParameterGroup): Promise<void> {
    await this.#turns.take(async () => {
      if (this.find(group.name)) {
        throw new RdsFault(
          'DBParameterGroupAlreadyExistsFault',
          `Parameter group ${group.name} already exists`,
        )
      }
      if (this.list().length >= QUOTA) {
        throw new RdsFault(
          'DBParameterGroupQuotaExceededFault',
          `Cannot create more than ${QUOTA} parameter groups.`,
        )
      }
      await this.documents.put(COLLECTION, group.name, group)
    })
  }

  /**
   * Replaces a group by what `next` makes of it, durably.
   *
   * @throws RdsFault `DBParameterGroupNotFoundFault`, `InvalidDBParameterGroupStateFault` for a default one
   */
  async change(
    name: string,
    next: (group: ParameterGroup) => ParameterGroup,
  ): Promise<ParameterGroup> {
    return await this.#turns.take(async () => {
      const group = this.get(name)
      this.checkModifiable(group)
      const changed = next(group)
      await this.documents.put(COLLECTION, group.name, changed)
      return changed
    })
  }

  async remove(name: string): Promise<void> {
    await this.#turns.take(() => this.documents.delete(COLLECTION, name))
  }

  /** @throws RdsFault `InvalidDBParameterGroupStateFault` */
  checkModifiable({ name }: ParameterGroup): void {
    if (!this.isDefault(name)) return
    throw new RdsFault(
      'InvalidDBParameterGroupStateFault',
      `The default parameter group ${name} can neither be modified nor deleted.`,
    )
  }
}

export function parametersIn(values: ParameterGroup['values']): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value]))
}

export function defaultParameterGroup(major: number): string {
  return `default.${parameterGroupFamily(major)}`
}
