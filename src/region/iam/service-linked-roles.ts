import { IamFault } from '../protocol/models/iam.ts'
import { invalidInput } from './checks.ts'
import type { Iam } from './iam.ts'
import type { RoleRecord } from './records.ts'

const PATH = '/aws-service-role/'
const PREFIX = 'AWSServiceRoleFor'

/**
 * The roles that services work with by themselves, by the service's principal: nobody else can assume, change or delete
 * one.
 *
 * Unlike AWS: Secrets Manager and S3 have one too, with which they replicate secrets and copy from other regions.
 */
const LINKED: Readonly<Record<string, string>> = {
  'rds.amazonaws.com': 'RDS',
  's3.amazonaws.com': 'S3',
  'secretsmanager.amazonaws.com': 'SecretsManager',
}

/** The role that is linked to a service, if it has been made. @throws IamFault `InvalidInputException` for no service here */
export function findLinkedRole(iam: Iam, service: string): RoleRecord | undefined {
  return iam.directory.get('roles', nameFor(service).toLowerCase())
}

/** The role that is linked to a service; made when it is first asked for, as on AWS, and in effect at once. */
export function ensureLinkedRole(iam: Iam, service: string): RoleRecord {
  const name = nameFor(service)
  const key = name.toLowerCase()
  const known = iam.directory.get('roles', key)
  if (known) return known
  return iam.directory.change((edit) => {
    // Another region of the home may have been faster.
    const other = iam.directory.get('roles', key)
    if (other) return other
    const path = `${PATH}${service}/`
    const role: RoleRecord = {
      name,
      path,
      id: iam.newId('AROA'),
      arn: iam.arn('role', path, name),
      createdAt: iam.timestamp(),
      tags: [],
      inline: [],
      attached: [],
      trust: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
      }),
      description: 'Lets the service of one region work with the same service of another region',
      maxSessionSeconds: 3600,
    }
    edit.put('roles', key, role)
    return role
  })
}

function nameFor(service: string): string {
  const ending = Object.hasOwn(LINKED, service) ? LINKED[service] : undefined
  if (ending !== undefined) return PREFIX + ending
  throw invalidInput(`Service-linked roles of ${service} are not available in an embedded region.`)
}

/** @throws IamFault `UnmodifiableEntityException` for a role that is linked to a service */
export function refuseLinked({ name, path }: { name: string; path: string }): void {
  if (!path.startsWith(PATH)) return
  throw new IamFault(
    'UnmodifiableEntityException',
    `Cannot perform the operation on the protected role '${name}' - this role is only modifiable by AWS`,
  )
}

/** Whether a role of that name and path could pass for one that is linked to a service. */
export function isReservedForLinked(name: string, path: string): boolean {
  return path.startsWith(PATH) || name.toLowerCase().startsWith(PREFIX.toLowerCase())
}
