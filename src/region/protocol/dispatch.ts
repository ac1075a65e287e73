import { type Authorizer, tagContext } from './authorization.ts'
import { cborErrorReply, cborOperation, cborReply, readCborInput } from './cbor-codec.ts'
import { decoded } from './content-encoding.ts'
import { COMMON_FAULTS, Fault } from './fault.ts'
import { parseForm } from './form.ts'
import { GLOBAL_REGION, GLOBAL_SERVICES } from './global-services.ts'
import { readJsonInput, writeJsonOutput } from './json-codec.ts'
import type { Operation, QueryForm, ServiceModel } from './model.ts'
import { readQueryInput, writeQueryOutput } from './query-codec.ts'
import {
  jsonErrorReply,
  jsonReply,
  queryErrorReply,
  type Reply,
  restJsonErrorReply,
  xmlReply,
} from './reply.ts'
import { routeRest } from './rest/route.ts'
import { readRestJsonInput } from './rest-json/read-input.ts'
import { writeRestJsonOutput } from './rest-json/write-output.ts'
import { readRestInput } from './rest-xml/read-input.ts'
import { writeRestOutput } from './rest-xml/write-output.ts'
import type { Action, Service } from './service.ts'
import type { VerifiedRequest } from './sigv4.ts'

/**
 * Carries a verified request to its action and brings the answer back in the protocol that asked.
 *
 * The service is the one that the signature is scoped to, never one that a header or a path names.
 * Faults become error replies; anything else that an action throws is a bug and is thrown on.
 */
export async function dispatch(
  request: VerifiedRequest,
  services: ReadonlyMap<string, Service>,
  about: { requestId: string; authorize: Authorizer },
): Promise<Reply> {
  const { requestId } = about
  const service = services.get(request.scope.service)
  const query = service ? queryFormFor(request, service.model) : undefined
  try {
    if (!service) {
      throw unsupported(`An embedded region has no service '${request.scope.service}'.`)
    }
    if (isCbor(request)) return await answerCbor(request, service, about)
    if (query) return await answerQuery(request, service, { ...about, query })
    return isRest(service.model)
      ? await answerRest(request, service, about)
      : await answerJson(request, service, about)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const isCompatible = service?.model.query !== undefined
    if (isCbor(request)) return cborErrorReply(error, requestId, { isCompatible })
    if (service?.model.protocol === 'rest-json') return restJsonErrorReply(error, requestId)
    const isJson = service
      ? !query && service.model.protocol !== 'rest-xml'
      : speaksJson(request.headers)
    return isJson
      ? jsonErrorReply(error, requestId, { isCompatible })
      : queryErrorReply(error, requestId, (query ?? service?.model)?.xmlNamespace)
  }
}

function isRest({ protocol }: ServiceModel): boolean {
  return protocol === 'rest-xml' || protocol === 'rest-json'
}

/** Undefined when the request is not of the query protocol. */
function queryFormFor({ headers }: VerifiedRequest, model: ServiceModel): QueryForm | undefined {
  const { protocol, version, xmlNamespace = '', query } = model
  if (protocol === 'query') return { version, xmlNamespace }
  return FORM.test(headers.get('content-type')?.[0] ?? '') ? query : undefined
}

const FORM = /^application\/x-www-form-urlencoded\b/i

/** Whether an error should be told in JSON, judged by what the client sent. */
export function speaksJson(headers: ReadonlyMap<string, readonly string[]>): boolean {
  return headers.get('content-type')?.[0]?.startsWith('application/x-amz-json') ?? false
}

async function answerRest(
  request: VerifiedRequest,
  service: Service,
  { requestId, authorize }: { requestId: string; authorize: Authorizer },
): Promise<Reply> {
  const { model, actions } = service
  const routed = routeRest(model, request)
  if (!routed) throw refused('UnknownOperationException', 'The operation is not known.')
  const { operation, labels } = routed
  const run = actionOf(actions, operation)
  const input = restInput(model, operation, request, labels)
  authorizeAll(request, service, { operation, input, authorize })
  const result = await run(input as never, request.caller)
  const ofModel = operation.http?.status ?? 200
  if (model.protocol === 'rest-json') {
    const { status = ofModel, headers, body } = writeRestJsonOutput(operation, result)
    const told = { 'content-type': 'application/json', 'x-amzn-requestid': requestId }
    return { status, headers: { ...told, ...headers }, body }
  }
  const { headers, body } = writeRestOutput(operation, result, model.xmlNamespace ?? '')
  return {
    status: ofModel,
    headers: { ...headers, 'x-amzn-requestid': requestId },
    // Only services that stream have other bodies.
    body: typeof body === 'string' ? body : '',
  }
}

/** @throws Fault `InvalidInput` for what does not follow the model of a service that speaks XML, else as `readRestJsonInput` */
function restInput(
  model: ServiceModel,
  operation: Operation,
  { query, headers, body }: VerifiedRequest,
  labels: Record<string, string>,
): object {
  const firstOf = [...headers].map(([name, values]) => [name, values[0] ?? ''] as const)
  const parts = { labels, query, headers: new Map(firstOf), body }
  if (model.protocol === 'rest-json') return readRestJsonInput(operation, parts)
  try {
    return readRestInput(operation, parts)
  } catch (error) {
    if (error instanceof Fault) throw refused('InvalidInput', error.message)
    throw error
  }
}

async function answerQuery(
  request: VerifiedRequest,
  service: Service,
  o: { requestId: string; authorize: Authorizer; query: QueryForm },
): Promise<Reply> {
  const { model, actions } = service
  const { requestId, authorize, query } = o
  const parameters = queryParameters(request, await decoded(request.body, request.headers))
  const action = parameters.get('Action')
  const version = parameters.get('Version')
  if (!action) throw refused('MissingAction', 'The request must contain the parameter Action.')
  const operation = model.operationByName.get(action)
  if (!operation || version !== query.version) {
    throw refused(
      'InvalidAction',
      `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`,
    )
  }
  const run = actionOf(actions, operation)
  parameters.delete('Action')
  parameters.delete('Version')
  const input = readQueryInput(operation.input, parameters)
  authorizeAll(request, service, { operation, input, authorize })
  const result = await run(input as never, request.caller)
  const body = writeQueryOutput(operation.name, operation.output, result, {
    xmlNamespace: query.xmlNamespace,
    requestId,
  })
  return xmlReply(200, body, requestId)
}

async function answerJson(
  request: VerifiedRequest,
  service: Service,
  { requestId, authorize }: { requestId: string; authorize: Authorizer },
): Promise<Reply> {
  const { model, actions } = service
  const target = request.headers.get('x-amz-target')?.[0] ?? ''
  const name = target.startsWith(`${model.version}.`) ? target.slice(model.version.length + 1) : ''
  const operation = model.operationByName.get(name)
  const isPost = request.method === 'POST' && request.path === '/' && request.query.size === 0
  if (!operation || !isPost)
    throw refused('UnknownOperationException', 'The operation is not known.')
  if (!speaksJson(request.headers)) {
    throw refused('SerializationException', 'The content type is not application/x-amz-json-1.1.')
  }
  const run = actionOf(actions, operation)
  const input = readJsonInput(operation.input, await decoded(request.body, request.headers))
  authorizeAll(request, service, { operation, input, authorize })
  const result = await run(input as never, request.caller)
  return jsonReply(200, writeJsonOutput(operation.output, result), requestId)
}

function isCbor({ headers }: VerifiedRequest): boolean {
  return headers.get('smithy-protocol')?.[0] === 'rpc-v2-cbor'
}

async function answerCbor(
  request: VerifiedRequest,
  service: Service,
  { requestId, authorize }: { requestId: string; authorize: Authorizer },
): Promise<Reply> {
  const { model, actions } = service
  const name = cborOperation(request.path, model.version) ?? ''
  const operation = model.operationByName.get(name)
  if (!operation || request.method !== 'POST' || model.protocol === 'query') {
    throw refused('UnknownOperationException', 'The operation is not known.')
  }
  const run = actionOf(actions, operation)
  const input = readCborInput(operation.input, await decoded(request.body, request.headers))
  authorizeAll(request, service, { operation, input, authorize })
  const result = await run(input as never, request.caller)
  return cborReply(operation.output, result, requestId)
}

/** @throws AuthFault `AccessDenied` for the first access that the caller may not have. */
function authorizeAll(
  { caller, scope, headers }: VerifiedRequest,
  service: Service,
  o: { operation: Operation; input: object; authorize: Authorizer },
): void {
  const { Tags } = o.input as { Tags?: readonly { Key?: string; Value?: string }[] | object }
  const tags = Array.isArray(Tags) ? Tags : []
  const userAgent = headers.get('user-agent')?.[0]
  const context = {
    'aws:RequestedRegion': GLOBAL_SERVICES.has(scope.service) ? GLOBAL_REGION : scope.region,
    ...(userAgent === undefined ? {} : { 'aws:UserAgent': userAgent }),
    ...tagContext('aws:RequestTag', tags),
  }
  for (const access of service.accesses(o.operation.name, o.input as never, caller)) {
    o.authorize(caller, { ...access, context: { ...context, ...access.context } })
  }
}

/** Parameters come from the body of a POST, or all from the URL, as presigners put them; never from both. */
function queryParameters({ method, path, query, headers }: VerifiedRequest, body: Buffer) {
  if (path !== '/') throw refused('InvalidAction', 'The path is not known.')
  const isPost = method === 'POST'
  if ((isPost || method === 'GET') && body.length === 0) return new Map(query)
  if (!isPost || query.size > 0) {
    throw refused('InvalidAction', 'Parameters are sent in the body of a POST or in the URL.')
  }
  const contentType = headers.get('content-type')?.[0] ?? ''
  if (!FORM.test(contentType)) {
    throw refused('InvalidAction', 'The content type is not application/x-www-form-urlencoded.')
  }
  return parseForm(textOf(body))
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (error) {
    if (error instanceof TypeError) throw refused('MalformedInput', 'The body is not UTF-8.')
    throw error
  }
}

function actionOf(actions: Service['actions'], operation: Operation): Action {
  if (!Object.hasOwn(actions, operation.name)) {
    throw unsupported(`${operation.name} is not available in an embedded region.`)
  }
  return actions[operation.name]!
}

function unsupported(message: string) {
  return new Fault('UnsupportedOperation', message, COMMON_FAULTS.UnsupportedOperation)
}

function refused(wireCode: string, message: string) {
  return new Fault(wireCode, message, { wireCode, httpStatus: 400 })
}
