import type { Bucket } from '../../objectstore/bucket.ts'
import type { AccessControlPolicy, PublicAccessBlockConfiguration } from '../protocol/models/s3.ts'
import { malformedXml } from '../protocol/xml-reader.ts'
import {
  ALL_USERS,
  AUTHENTICATED_USERS,
  GROUPS,
  type Grant,
  hasNoAcls,
  isPublicAcl,
  LOG_DELIVERY,
  ownersGrants,
  PERMISSIONS,
  type Permission,
} from './acl.ts'
import { S3Fault } from './faults.ts'

/** The members by which a request says an ACL: one of a fixed name, grants in headers, or a document. */
export interface AclInput {
  readonly ACL?: string | undefined
  readonly GrantFullControl?: string | undefined
  readonly GrantRead?: string | undefined
  readonly GrantReadACP?: string | undefined
  readonly GrantWrite?: string | undefined
  readonly GrantWriteACP?: string | undefined
  readonly AccessControlPolicy?: AccessControlPolicy | undefined
}

/** The canonical id of EC2, which `aws-exec-read` names. */
const EC2_ID = '6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c'

/** Source: S3 User Guide, "Canned ACL": what is given beside the owner's full control. */
const CANNED: Readonly<Record<string, readonly Grant[]>> = {
  private: [],
  'public-read': [{ to: { uri: ALL_USERS }, permission: 'READ' }],
  'public-read-write': [
    { to: { uri: ALL_USERS }, permission: 'READ' },
    { to: { uri: ALL_USERS }, permission: 'WRITE' },
  ],
  'authenticated-read': [{ to: { uri: AUTHENTICATED_USERS }, permission: 'READ' }],
  'aws-exec-read': [{ to: { id: EC2_ID }, permission: 'READ' }],
  'log-delivery-write': [
    { to: { uri: LOG_DELIVERY }, permission: 'WRITE' },
    { to: { uri: LOG_DELIVERY }, permission: 'READ_ACP' },
  ],
  // The owner of the bucket owns all objects here.
  'bucket-owner-read': [],
  'bucket-owner-full-control': [],
}
const FOR_OBJECTS_ONLY = ['bucket-owner-read', 'bucket-owner-full-control']

const HEADERS: readonly (readonly [keyof AclInput, Permission])[] = [
  ['GrantFullControl', 'FULL_CONTROL'],
  ['GrantRead', 'READ'],
  ['GrantReadACP', 'READ_ACP'],
  ['GrantWrite', 'WRITE'],
  ['GrantWriteACP', 'WRITE_ACP'],
]

/** Whether a request says anything of an ACL. */
export function saysAcl(input: AclInput): boolean {
  return input.ACL !== undefined || HEADERS.some(([member]) => input[member] !== undefined)
}

/**
 * The grants that a request asks for; undefined when it asks for none.
 *
 * Unlike AWS: the account of the region is the only one, so that every other one's id is not known.
 *
 * @throws S3Fault `InvalidArgument`, `InvalidRequest`, `MethodNotAllowed` for grants by e-mail; Fault `MalformedXML`
 */
export function grantsOf(
  input: AclInput,
  { ownerId, kind }: { ownerId: string; kind: 'bucket' | 'object' },
): Grant[] | undefined {
  const { ACL: canned, AccessControlPolicy: policy } = input
  const headers = HEADERS.flatMap(([member, permission]) => {
    const text = input[member]
    return typeof text === 'string' ? granteesIn(text).map((to) => ({ to, permission })) : []
  })
  if (canned !== undefined && headers.length > 0) {
    throw new S3Fault(
      'InvalidRequest',
      'Specifying both Canned ACLs and Header Grants is not allowed',
    )
  }
  if (policy && (canned !== undefined || headers.length > 0)) {
    throw new S3Fault('UnexpectedContent', 'This request does not support content')
  }
  const grants = policy ? documentGrants(policy, ownerId) : headers
  for (const { to } of grants) checkGrantee(to, ownerId)
  if (policy || headers.length > 0) return grants
  if (canned === undefined) return undefined
  const found = Object.hasOwn(CANNED, canned) ? CANNED[canned] : undefined
  if (!found || (kind === 'bucket' && FOR_OBJECTS_ONLY.includes(canned))) {
    throw invalid('', 'x-amz-acl', canned)
  }
  return [...found, ...ownersGrants(ownerId)]
}

/**
 * Makes sure that a bucket takes an ACL: one whose ACLs are disabled takes only what gives its owner full control, and
 * one that blocks public ACLs takes none that is.
 *
 * Source: S3 User Guide, "Controlling ownership of objects and disabling ACLs" and "Blocking public access".
 *
 * @throws S3Fault `AccessControlListNotSupported`, `AccessDenied`
 */
export function checkTakesAcl(bucket: Bucket, input: AclInput, grants: readonly Grant[]): void {
  if (hasNoAcls(bucket)) {
    if (input.ACL === 'bucket-owner-full-control') return
    throw new S3Fault('AccessControlListNotSupported', 'The bucket does not allow ACLs')
  }
  const block = bucket.setting<PublicAccessBlockConfiguration>('public-access-block')
  if (!block?.BlockPublicAcls || !isPublicAcl(grants)) return
  throw new S3Fault(
    'AccessDenied',
    'Access Denied because public ACLs are blocked by the BlockPublicAcls block public access setting.',
  )
}

/** `id="…"`, `uri="…"` or `emailAddress="…"`, several with commas between. */
function granteesIn(text: string): Grant['to'][] {
  return text.split(',').map((part) => {
    const [, kind = '', value = ''] = /^\s*(\w+)\s*=\s*"?([^"]*?)"?\s*$/.exec(part) ?? []
    if (kind === 'id') return { id: value }
    if (kind === 'uri') return { uri: value }
    if (kind === 'emailAddress') throw byEmail()
    throw invalid('Argument format not recognized', 'x-amz-grant', part)
  })
}

function documentGrants({ Owner, Grants = [] }: AccessControlPolicy, ownerId: string): Grant[] {
  if (Owner?.ID !== undefined && Owner.ID !== ownerId)
    throw new S3Fault('AccessDenied', 'Access Denied')
  if (Grants.length > MAX_GRANTS) throw malformedXml()
  return Grants.map(({ Grantee, Permission: permission }) => {
    const known = PERMISSIONS.find((name) => name === permission)
    if (!known || !Grantee) throw malformedXml()
    if (Grantee.EmailAddress !== undefined) throw byEmail()
    if (Grantee.ID !== undefined) return { to: { id: Grantee.ID }, permission: known }
    if (Grantee.URI !== undefined) return { to: { uri: Grantee.URI }, permission: known }
    throw malformedXml()
  })
}

/** Source: S3 User Guide, "Access control list (ACL) overview". */
const MAX_GRANTS = 100

function checkGrantee(to: Grant['to'], ownerId: string): void {
  if ('uri' in to && !GROUPS.includes(to.uri)) {
    throw invalid('Invalid group uri', 'uri', to.uri)
  }
  if ('id' in to && to.id !== ownerId && to.id !== EC2_ID) {
    throw invalid('Invalid id', 'CanonicalUser/ID', to.id)
  }
}

function byEmail(): S3Fault {
  return new S3Fault(
    'MethodNotAllowed',
    'Grants by e-mail address are no longer supported. Use the canonical id of the account.',
  )
}

function invalid(message: string, name: string, value: string): S3Fault {
  return new S3Fault('InvalidArgument', message, {
    elements: { ArgumentName: name, ArgumentValue: value },
  })
}
