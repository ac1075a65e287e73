import {
  AddTagsToResourceCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  paginateDescribeDBInstances,
  type RDSClient,
  RebootDBInstanceCommand,
} from '@aws-sdk/client-rds'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'
import { awsCodeOf } from './faults.ts'
import { type DbInstance, type InstanceAttributes, readInstance } from './instance.ts'
import { modifyParameters } from './instance-parameters.ts'
import { tagList } from './tags.ts'

/** The tag by which an execution knows what it has made. */
export interface Mark {
  readonly key: string
  readonly value: string
}

export interface WaitOptions {
  readonly deadlineMs: number
  readonly everyMs?: number
  readonly signal?: AbortSignal
  readonly onPoll?: (instance: DbInstance | undefined) => void
}

/** The DB instances of one region, in our words. Every method throws as `Calls` says. */
export class Rds {
  constructor(
    private readonly client: RDSClient,
    private readonly calls: Calls,
    private readonly clock: Clock,
  ) {}

  async findInstance(identifier: string): Promise<DbInstance | undefined> {
    try {
      return await this.getInstance(identifier)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'ResourceNotFound') return undefined
      throw error
    }
  }

  async getInstance(identifier: string): Promise<DbInstance> {
    const answer = await this.calls.read(`describe DB instance '${identifier}'`, () =>
      this.client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier })),
    )
    const wire = answer.DBInstances?.[0]
    if (!wire) {
      throw new LifeboatError('ResourceNotFound', `there is no DB instance '${identifier}'`)
    }
    return readInstance(wire)
  }

  async listInstances(): Promise<DbInstance[]> {
    return this.calls.read('list DB instances', async () => {
      const instances: DbInstance[] = []
      for await (const page of paginateDescribeDBInstances({ client: this.client }, {})) {
        instances.push(...(page.DBInstances ?? []).map(readInstance))
      }
      return instances
    })
  }

  /** Asks for changes to be applied immediately; idempotent, because it states the end. */
  async modifyInstance(identifier: string, wanted: InstanceAttributes): Promise<DbInstance> {
    const send = async () => {
      const answer = await this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          ...modifyParameters(wanted),
          ApplyImmediately: true,
        }),
      )
      return readInstance(answer.DBInstance ?? {})
    }
    return this.calls.change(`modify DB instance '${identifier}'`, send, send)
  }

  /**
   * As `modifyInstance`, as soon as the instance is available: one that has just become so may be backing up a moment later.
   *
   * @throws LifeboatError also `StepDeadlineExceeded`
   */
  async modifyWhenAvailable(
    identifier: string,
    wanted: InstanceAttributes,
    wait: WaitOptions,
  ): Promise<DbInstance> {
    return await this.whenAvailable(identifier, wait, () => this.modifyInstance(identifier, wanted))
  }

  /** Does what wants an instance that is `available`, and again while RDS finds that it is not. */
  async whenAvailable<Answer>(
    identifier: string,
    wait: WaitOptions,
    act: () => Promise<Answer>,
  ): Promise<Answer> {
    for (;;) {
      await this.waitUntil(identifier, (one) => one?.status === 'available', wait)
      try {
        return await act()
      } catch (error) {
        if (awsCodeOf(error) !== 'InvalidDBInstanceState') throw error
      }
    }
  }

  /** Sets the master user's password; it goes nowhere but into this call (I12). */
  async setMasterPassword(identifier: string, password: string): Promise<void> {
    const send = async () => {
      await this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          MasterUserPassword: password,
          ApplyImmediately: true,
        }),
      )
      return true
    }
    await this.calls.change(`set the master password of '${identifier}'`, send, send)
  }

  async tagInstance(arn: string, tags: Record<string, string>): Promise<void> {
    const send = async () => {
      await this.client.send(
        new AddTagsToResourceCommand({ ResourceName: arn, Tags: tagList(tags) }),
      )
      return true
    }
    await this.calls.change(`tag '${arn}'`, send, send)
  }

  async rebootInstance(identifier: string): Promise<void> {
    await this.calls.change(
      `reboot DB instance '${identifier}'`,
      async () => {
        await this.client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: identifier }))
        return true
      },
      async () => (await this.getInstance(identifier)).status === 'rebooting' || undefined,
    )
  }

  /**
   * Deletes exactly the instance with this ARN, without a final snapshot (I15). Safe to call again:
   * an instance that is gone, or whose name belongs to another one, is left alone.
   */
  async deleteInstance(arn: string): Promise<void> {
    const identifier = arn.split(':').at(-1) ?? ''
    const isGone = async () => {
      const instance = await this.findInstance(identifier)
      return !instance || instance.arn !== arn || instance.status === 'deleting' || undefined
    }
    if (await isGone()) return
    await this.calls.change(
      `delete DB instance '${identifier}'`,
      async () => {
        await this.client.send(
          new DeleteDBInstanceCommand({
            DBInstanceIdentifier: identifier,
            SkipFinalSnapshot: true,
            DeleteAutomatedBackups: true,
          }),
        )
        return true
      },
      isGone,
    )
  }

  /**
   * Polls until `condition` holds for the instance (undefined while it does not exist).
   *
   * @throws LifeboatError `StepDeadlineExceeded` (I16)
   */
  async waitUntil(
    identifier: string,
    condition: (instance: DbInstance | undefined) => boolean,
    { deadlineMs, everyMs = 250, signal, onPoll }: WaitOptions,
  ): Promise<DbInstance | undefined> {
    const deadline = this.clock.monotonicMs() + deadlineMs
    for (;;) {
      signal?.throwIfAborted()
      const instance = await this.findInstance(identifier)
      onPoll?.(instance)
      if (condition(instance)) return instance
      if (this.clock.monotonicMs() > deadline) {
        throw new LifeboatError(
          'StepDeadlineExceeded',
          `DB instance '${identifier}' is still '${instance?.status ?? 'absent'}' after ${Math.round(deadlineMs / 1000)} s`,
          { hint: 'Retry the step to go on waiting.' },
        )
      }
      await this.clock.sleep(everyMs, signal)
    }
  }

  /** The instance of that name if an execution has made it. @throws LifeboatError `CallRefused` when somebody else has (I4) */
  async findMarked(identifier: string, mark: Mark): Promise<DbInstance | undefined> {
    const instance = await this.findInstance(identifier)
    if (!instance || instance.tags[mark.key] === mark.value) return instance
    throw new LifeboatError(
      'CallRefused',
      `a DB instance '${identifier}' exists and does not belong to this execution`,
      { hint: `Look at it; it has no tag ${mark.key}=${mark.value}.` },
    )
  }
}
