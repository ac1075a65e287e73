import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { LambdaFault } from '../protocol/models/lambda.ts'
import { type FunctionName, LATEST, parseFunctionName } from './function-name.ts'
import type { FunctionRecord } from './function-record.ts'

const FUNCTIONS = 'functions'

export interface LambdaOptions {
  readonly region: string
  readonly accountId: string
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
}

/** The functions of one region. */
export class Lambda {
  /** Names for which a function is being made. */
  readonly #making = new Set<string>()

  constructor(readonly o: LambdaOptions) {}

  /** Ordered by name. */
  functions(): FunctionRecord[] {
    return this.o.documents.list<FunctionRecord>(FUNCTIONS)
  }

  /** By name, partial ARN or ARN. @throws LambdaFault `InvalidParameterValueException` */
  find(nameOrArn: string | undefined): FunctionRecord | undefined {
    const named = this.#named(nameOrArn)
    return named && this.o.documents.get<FunctionRecord>(FUNCTIONS, named.name)
  }

  /**
   * By name, partial ARN or ARN, with or without a qualifier.
   *
   * @throws LambdaFault `ResourceNotFoundException`, also for a version or an alias, of which there are none
   */
  get(nameOrArn: string | undefined, qualifier: string | undefined): FunctionRecord {
    const named = this.#named(nameOrArn)
    const both = [named?.qualifier, qualifier].filter((one) => one !== undefined)
    const found = both.every((one) => one === LATEST) ? this.find(nameOrArn) : undefined
    if (found) return found
    const arn = named ? this.arnOf(named.name, both[0]) : nameOrArn
    throw new LambdaFault('ResourceNotFoundException', `Function not found: ${arn}`)
  }

  /**
   * Keeps a function, durably, once `store` has kept what it points at (I3).
   *
   * @throws LambdaFault `ResourceConflictException` when there is one of the name
   */
  async add(record: FunctionRecord, store: () => Promise<void>): Promise<void> {
    const { name } = record
    if (this.#making.has(name) || this.o.documents.get(FUNCTIONS, name) !== undefined) {
      throw new LambdaFault('ResourceConflictException', `Function already exist: ${name}`)
    }
    this.#making.add(name)
    try {
      await store()
      await this.o.documents.put(FUNCTIONS, name, record)
    } finally {
      this.#making.delete(name)
    }
  }

  async remove({ name }: FunctionRecord): Promise<void> {
    await this.o.documents.delete(FUNCTIONS, name)
  }

  arnOf(name: string, qualifier?: string): string {
    const of = qualifier === undefined ? '' : `:${qualifier}`
    return `arn:aws:lambda:${this.o.region}:${this.o.accountId}:function:${name}${of}`
  }

  /** In the form of a UUID. */
  newId(): string {
    const hex = this.o.random.hex(32)
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  #named(nameOrArn: string | undefined): FunctionName | undefined {
    return parseFunctionName(nameOrArn ?? '', this.o)
  }
}
