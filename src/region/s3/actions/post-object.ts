import { boundaryOf, type FormFile, readFormData } from '../../protocol/form-data.ts'
import { verifyForm } from '../../protocol/form-signature.ts'
import type { PutObjectCommandInput, Tagging } from '../../protocol/models/s3.ts'
import { s3Model } from '../../protocol/models/s3.ts'
import { readPayload, readRestInput } from '../../protocol/rest-xml/read-input.ts'
import { writeRestOutput } from '../../protocol/rest-xml/write-output.ts'
import type { StreamReply } from '../../protocol/stream-service.ts'
import { ANONYMOUS } from '../../protocol/verified-stream.ts'
import { xmlElement, xmlText } from '../../protocol/xml.ts'
import { S3Fault } from '../faults.ts'
import { checkPostPolicy, type SizeLimits } from '../post-policy.ts'
import { commonHeaders } from '../refusal.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { checkedTags } from '../tags.ts'
import { storeObject } from './put-object.ts'

const PUT_OBJECT = s3Model.operationByName.get('PutObject')!
const PUT_TAGGING = s3Model.operationByName.get('PutObjectTagging')!

/** Of a file of which no policy says how long it may be. */
const ANY_SIZE: SizeLimits = { min: 0, max: 5 * 1024 ** 3 }

/** Fields that are headers of PutObject under another name. */
const HEADER_BY_FIELD: Readonly<Record<string, string>> = { acl: 'x-amz-acl' }

/**
 * POST Object: a file from a browser's form. Its fields say what the headers of PutObject do; a policy that somebody signed says
 * what they may be.
 *
 * Source: S3 API Reference, "POST Object" and "Browser-Based Uploads Using POST".
 */
export async function postObject(
  s3: S3,
  bucketName: string,
  request: S3Request,
  requestId: string,
): Promise<StreamReply> {
  const boundary = boundaryOf(request.headers.get('content-type'))
  if (boundary === undefined) {
    throw new S3Fault(
      'PreconditionFailed',
      'Bucket POST must be of the enclosure-type multipart/form-data',
      { elements: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' } },
    )
  }
  const form = await readFormData(request.body, boundary)
  try {
    const { fields, file, key } = checkedForm(form)
    const { region, keys } = s3.o
    const signed = verifyForm(fields, { keys, region, now: s3.now() })
    const about = new Map([...fields, ['bucket', bucketName], ['key', key]])
    const policy = fields.get('policy')
    const limits = policy === undefined ? undefined : checkPostPolicy(policy, about, s3.now())
    const headers = headersOf(fields)
    const labels = { Bucket: bucketName, Key: key }
    const parts = { labels, query: new Map(), headers, body: undefined }
    const input = readRestInput(PUT_OBJECT, parts) as unknown as PutObjectCommandInput
    const made = await storeObject(
      s3,
      input,
      {
        ...{ caller: signed?.caller ?? ANONYMOUS, authentication: signed?.authentication, headers },
        ...{ body: file.body, contentLength: undefined, trailers: new Map() },
      },
      { tags: tagsOf(fields.get('tagging')), limits: limits ?? ANY_SIZE },
    )
    return reply(made, fields, requestId, {
      ...{ bucket: bucketName, key, etag: made.ETag, host: request.headers.get('host') ?? '' },
    })
  } finally {
    await form.file?.body.return(undefined)
  }
}

/** @throws S3Fault `InvalidArgument` for a form without a key or without a file */
function checkedForm(form: {
  readonly fields: ReadonlyMap<string, string>
  readonly file: FormFile | undefined
}) {
  const { fields, file } = form
  const pattern = fields.get('key')
  if (pattern === undefined) {
    throw missing(
      'key',
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    )
  }
  if (!file) throw missing('file', 'POST requires exactly one file upload per request.')
  // Some browsers send a whole path.
  const filename = file.name?.split(/[\\/]/).at(-1) ?? ''
  const key = pattern.replace(/\$\{filename\}/g, () => filename)
  if (key === '') throw missing('key', 'User key must have a length greater than 0.')
  if (Buffer.byteLength(key) > 1024) throw new S3Fault('KeyTooLongError', 'Your key is too long')
  return { fields, file, key }
}

/** The headers of a PutObject that say what the fields say. */
function headersOf(fields: ReadonlyMap<string, string>): Map<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of fields) {
    if (SIGNING_FIELDS.has(name)) continue
    headers.set(Object.hasOwn(HEADER_BY_FIELD, name) ? HEADER_BY_FIELD[name]! : name, value)
  }
  return headers
}

/** They are of the form, and mean nothing to the object. */
const SIGNING_FIELDS = new Set([
  ...['policy', 'signature', 'awsaccesskeyid', 'x-amz-algorithm', 'x-amz-credential'],
  ...['x-amz-date', 'x-amz-signature', 'x-amz-security-token', 'key', 'tagging'],
  ...['success_action_status', 'success_action_redirect', 'redirect', 'host', 'content-length'],
])

/** Tags come as the document that PutObjectTagging takes. */
function tagsOf(text: string | undefined): Record<string, string> {
  if (text === undefined || text === '') return {}
  const { Tagging: tagging } = readPayload(PUT_TAGGING, Buffer.from(text)) as { Tagging?: Tagging }
  return checkedTags(tagging?.TagSet ?? [], 'object')
}

function reply(
  made: object,
  fields: ReadonlyMap<string, string>,
  requestId: string,
  o: { bucket: string; key: string; etag: string; host: string },
): StreamReply {
  const { bucket, key, etag } = o
  const path = key.split('/').map(encodeURIComponent).join('/')
  const location = `http://${o.host}/${bucket}/${path}`
  const told = writeRestOutput(PUT_OBJECT, made, '').headers
  const headers = { ...commonHeaders(requestId), ...told, location }
  const target = redirectOf(fields.get('success_action_redirect') ?? fields.get('redirect'))
  if (target) {
    for (const [name, value] of Object.entries({ bucket, key, etag })) {
      target.searchParams.append(name, value)
    }
    return empty(303, { ...headers, location: target.href })
  }
  const status = fields.get('success_action_status')
  if (status !== '201') return empty(status === '200' ? 200 : 204, headers)
  const elements = { Location: location, Bucket: bucket, Key: key, ETag: etag }
  const content = Object.entries(elements).map(([name, text]) => xmlElement(name, xmlText(text)))
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${xmlElement('PostResponse', content.join(''))}`
  const length = `${Buffer.byteLength(body)}`
  const about = { 'content-type': 'application/xml', 'content-length': length }
  return { status: 201, headers: { ...headers, ...about }, body }
}

function empty(status: number, headers: Record<string, string>): StreamReply {
  const length: Record<string, string> = status === 204 ? {} : { 'content-length': '0' }
  return { status, headers: { ...headers, ...length }, body: '' }
}

/** What is no address is as if it were not there. */
function redirectOf(text: string | undefined): URL | undefined {
  return text !== undefined && /^https?:/.test(text) && URL.canParse(text)
    ? new URL(text)
    : undefined
}

function missing(name: string, message: string): S3Fault {
  return new S3Fault('InvalidArgument', message, { elements: { ArgumentName: name } })
}
