import type { PolicyRecord } from './records.ts'

type Statement = Readonly<Record<string, string | readonly string[]>>

const allow = (...Action: string[]): Statement => ({ Effect: 'Allow', Action, Resource: '*' })

/**
 * Policies that AWS manages and that may be attached in every account.
 *
 * Unlike AWS: there are only these few, and without the actions of services that an embedded region does not have.
 * Source: AWS Managed Policy Reference.
 */
const STATEMENTS: Readonly<Record<string, readonly Statement[]>> = {
  AdministratorAccess: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  PowerUserAccess: [
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    allow('iam:ListRoles'),
  ],
  ReadOnlyAccess: [
    allow(
      ...['cloudwatch:Describe*', 'cloudwatch:Get*', 'cloudwatch:List*'],
      ...['ecs:Describe*', 'ecs:List*'],
      ...['iam:Generate*', 'iam:Get*', 'iam:List*', 'iam:Simulate*'],
      ...['kms:Describe*', 'kms:Get*', 'kms:List*'],
      ...['lambda:Get*', 'lambda:List*'],
      ...['rds:Describe*', 'rds:Download*', 'rds:List*'],
      ...['route53:Get*', 'route53:List*', 'route53:Test*'],
      ...['s3:DescribeJob', 's3:Get*', 's3:List*'],
      ...['secretsmanager:List*', 'secretsmanager:Describe*', 'secretsmanager:GetResourcePolicy'],
      ...['sts:GetAccessKeyInfo', 'sts:GetCallerIdentity', 'sts:GetSessionToken'],
    ),
  ],
  IAMFullAccess: [allow('iam:*')],
  IAMReadOnlyAccess: [allow('iam:GenerateServiceLastAccessedDetails', 'iam:Get*', 'iam:List*')],
  AmazonRDSFullAccess: [allow('rds:*')],
  AmazonRDSReadOnlyAccess: [allow('rds:Describe*', 'rds:ListTagsForResource')],
  AmazonS3FullAccess: [allow('s3:*', 's3-object-lambda:*')],
  AmazonS3ReadOnlyAccess: [allow('s3:Get*', 's3:List*', 's3:Describe*')],
  SecretsManagerReadWrite: [allow('secretsmanager:*')],
  AmazonECS_FullAccess: [allow('ecs:*')],
  // It allows to pull images and to write logs, neither of which needs a right here; of secrets it says nothing.
  'service-role/AmazonECSTaskExecutionRolePolicy': [
    allow(
      ...['ecr:GetAuthorizationToken', 'ecr:BatchCheckLayerAvailability'],
      ...['ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
      ...['logs:CreateLogStream', 'logs:PutLogEvents'],
    ),
  ],
  AWSLambda_FullAccess: [allow('lambda:*')],
  'service-role/AWSLambdaBasicExecutionRole': [
    allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'),
  ],
}

/** By ARN. */
export const AWS_MANAGED_POLICIES: ReadonlyMap<string, PolicyRecord> = new Map(
  Object.entries(STATEMENTS).map(([pathAndName, Statement], index) => {
    const arn = `arn:aws:iam::aws:policy/${pathAndName}`
    const [name = '', path] = pathAndName.split('/').reverse()
    const createdAt = '2015-02-06T18:39:46.000Z'
    const document = JSON.stringify({ Version: '2012-10-17', Statement })
    const policy: PolicyRecord = {
      name,
      path: path === undefined ? '/' : `/${path}/`,
      id: `ANPAAWSMANAGED${String.fromCharCode(65 + index).repeat(7)}`,
      arn,
      createdAt,
      updatedAt: createdAt,
      tags: [],
      versions: [{ id: 'v1', document, createdAt }],
      defaultVersionId: 'v1',
      lastVersion: 1,
    }
    return [arn, policy]
  }),
)
