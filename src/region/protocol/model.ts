import { NormalizedSchema } from '@smithy/core/schema'
import { assert } from '../../core/assert.ts'
import { COMMON_FAULTS, type CommonFault, type FaultShape } from './fault.ts'

/**
 * A service's model, read from the schemas that its AWS SDK client exports.
 *
 * The same schemas that make the SDK's requests decode them here, so there is no codec per operation and
 * no wire name is typed by hand. The exports are not documented as a server's API: versions are pinned
 * exactly, and `model.test.ts` fails when their form changes.
 */
export interface ServiceModel {
  /** The service's name in the credential scope of a signature. */
  readonly name: string
  readonly protocol: 'query' | 'json-1.1' | 'rest-xml' | 'rest-json'
  /** The API version that query clients send, or the prefix of a JSON client's `X-Amz-Target`. */
  readonly version: string
  readonly xmlNamespace?: string
  /** Of a JSON service that older clients speak the query protocol with. */
  readonly query?: QueryForm
  readonly operationByName: ReadonlyMap<string, Operation>
  readonly faultByShape: ReadonlyMap<string, FaultShape>
}

/** What requests and answers of the query protocol carry. */
export interface QueryForm {
  /** The API version that requests name. */
  readonly version: string
  readonly xmlNamespace: string
}

export interface Operation {
  readonly name: string
  readonly input: Schema
  readonly output: Schema
  /** How a REST protocol addresses it. */
  readonly http: HttpBinding | undefined
}

export interface HttpBinding {
  readonly method: string
  /** `/{Key+}?uploads` */
  readonly uri: string
  /** The status of an answer. */
  readonly status: number
}

export type Schema = NormalizedSchema
type SchemaRef = Parameters<typeof NormalizedSchema.of>[0]

/** The numbers by which the SDK marks what an exported schema is. */
const OPERATION = 9
const ERROR = -3

/** Where a structure's schema keeps its member names, and how many of them are required. */
const MEMBER_NAMES = 4
const REQUIRED_COUNT = 6

/**
 * The operations and errors among the exports of an SDK client package.
 *
 * It is loaded when the service is first called: a region knows twelve services and most of its lives need three, and their
 * packages are half of the time that a region takes to start.
 */
export function readModel(
  load: () => object,
  service: Omit<ServiceModel, 'operationByName' | 'faultByShape'>,
): ServiceModel {
  let known: Exports | undefined
  const read = () => {
    known ??= readExports(load())
    return known
  }
  return {
    ...service,
    get operationByName() {
      return read().operationByName
    },
    get faultByShape() {
      return read().faultByShape
    },
  }
}

type Exports = Pick<ServiceModel, 'operationByName' | 'faultByShape'>

function readExports(sdk: object): Exports {
  const operationByName = new Map<string, Operation>()
  const faultByShape = new Map<string, FaultShape>(Object.entries(COMMON_FAULTS))

  for (const exported of Object.values(sdk)) {
    if (!Array.isArray(exported) || typeof exported[2] !== 'string') continue
    const [kind, , name, traits, input, output] = exported
    if (kind === OPERATION) {
      const http = httpBinding(traits)
      operationByName.set(name, { name, input: schema(input), output: schema(output), http })
    } else if (kind === ERROR) {
      faultByShape.set(name, faultShape(name, schema(exported as unknown as SchemaRef)))
    }
  }
  return { operationByName, faultByShape }
}

/** The wire code and status of an error shape. It is a bug to ask for one that the model lacks. */
export function faultOf(model: ServiceModel, shape: string): FaultShape {
  const found = model.faultByShape.get(shape)
  assert(found, `'${shape}' is an error of ${model.name}`)
  return found
}

/** The members that a request must carry: the schema lists them first and then says how many. */
export function requiredMembers(structure: Schema): readonly string[] {
  const definition: unknown = structure.getSchema()
  if (!Array.isArray(definition)) return []
  const names: readonly string[] = definition[MEMBER_NAMES] ?? []
  return names.slice(0, definition[REQUIRED_COUNT] ?? 0)
}

function schema(ref: SchemaRef): Schema {
  return NormalizedSchema.of(ref)
}

function httpBinding(traits: { http?: [string, string, number] } | number) {
  if (typeof traits === 'number' || !traits.http) return undefined
  const [method, uri, status] = traits.http
  return { method, uri, status }
}

function faultShape(name: string, error: Schema): FaultShape {
  const traits = error.getMergedTraits() as {
    error?: 'client' | 'server'
    httpError?: number
    awsQueryError?: [string, number]
  }
  const status = traits.httpError ?? (traits.error === 'server' ? 500 : 400)
  const [wireCode, httpStatus] = traits.awsQueryError ?? [name, status]
  return { wireCode, httpStatus }
}

/** The error shapes among the exports of an SDK client package, at compile time. */
export type FaultName<Sdk> =
  | {
      [Name in keyof Sdk]: Name extends `${infer Shape}$`
        ? Sdk[Name] extends readonly [-3, ...unknown[]]
          ? Shape
          : never
        : never
    }[keyof Sdk]
  | CommonFault
