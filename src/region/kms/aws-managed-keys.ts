/** The services whose own keys are made when they are first used, by alias. Source: KMS Developer Guide, "AWS managed keys". */
const SERVICES: Readonly<Record<string, { readonly principal: string; readonly words: string }>> = {
  'alias/aws/rds': { principal: 'rds', words: 'RDS' },
  'alias/aws/s3': { principal: 's3', words: 'S3' },
  'alias/aws/secretsmanager': { principal: 'secretsmanager', words: 'AWS Secrets Manager' },
}

/** As `alias/aws/rds`. */
export const AWS_ALIASES: readonly string[] = Object.keys(SERVICES)

/**
 * What the key behind an AWS alias is made of: its policy lets everybody in the account use it through the service, and
 * nobody change it.
 */
export function awsManagedKey(alias: string, o: { region: string; accountId: string }) {
  const service = Object.hasOwn(SERVICES, alias) ? SERVICES[alias] : undefined
  if (!service) return undefined
  const { principal, words } = service
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: `Allow access through ${words} for all principals in the account`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          ...['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'],
          ...['kms:CreateGrant', 'kms:DescribeKey'],
        ],
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:CallerAccount': o.accountId,
            'kms:ViaService': `${principal}.${o.region}.amazonaws.com`,
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${o.accountId}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'],
        Resource: '*',
      },
    ],
  }
  return {
    description: `Default key that protects my ${words} data when no other key is defined`,
    policy: JSON.stringify(policy),
  }
}
