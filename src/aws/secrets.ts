import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ReplicateSecretToRegionsCommand,
  type SecretsManagerClient,
  StopReplicationToReplicaCommand,
} from '@aws-sdk/client-secrets-manager'
import { LifeboatError } from '../core/errors.ts'
import { jsonIn } from '../core/json.ts'
import type { Calls } from './calls.ts'

/**
 * The value of a database secret: the keys that RDS itself writes, and whatever else its readers keep
 * there. Holds a password: it never becomes a step's input or output (I12).
 */
export interface DatabaseSecret {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string | undefined
  /** Every key of the secret, as it is. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** A secret among its copies in several regions. */
export interface SecretReplication {
  /** Undefined when it is not replicated. */
  readonly primaryRegion: string | undefined
  /** Whether this region's is a copy, which only its primary changes. */
  readonly isReplica: boolean
  /** As the primary tells; empty in the region of a replica. */
  readonly replicas: readonly {
    readonly region: string
    readonly state: 'inSync' | 'inProgress' | 'failed'
    readonly reason?: string
  }[]
}

/** AWS Secrets Manager of one region, in our words. Every method throws as `Calls` says. */
export class Secrets {
  constructor(
    private readonly client: SecretsManagerClient,
    private readonly calls: Calls,
  ) {}

  /** The current version of a database secret. */
  async getDatabaseSecret(secret: string): Promise<DatabaseSecret> {
    const answer = await this.calls.read(`read secret '${secret}'`, () =>
      this.client.send(new GetSecretValueCommand({ SecretId: secret })),
    )
    return parseDatabaseSecret(secret, answer.SecretString)
  }

  /** The current version of a secret, as text. It never becomes a step's input or output (I12). */
  async getText(secret: string): Promise<string> {
    const answer = await this.calls.read(`read secret '${secret}'`, () =>
      this.client.send(new GetSecretValueCommand({ SecretId: secret })),
    )
    return answer.SecretString ?? ''
  }

  /**
   * Points a database secret to another endpoint and keeps its other keys. Idempotent under `token`
   * (32 to 64 characters), which becomes the version's id.
   *
   * @returns the new version's id
   */
  async pointDatabaseSecret(
    secret: string,
    to: { host: string; port: number; instance: string },
    token: string,
  ): Promise<string> {
    const { fields } = await this.getDatabaseSecret(secret)
    const moved = {
      ...fields,
      host: to.host,
      port: to.port,
      ...('dbInstanceIdentifier' in fields && { dbInstanceIdentifier: to.instance }),
    }
    const answer = await this.calls.change(
      `write secret '${secret}'`,
      async () => {
        const put = new PutSecretValueCommand({
          SecretId: secret,
          SecretString: JSON.stringify(moved),
          ClientRequestToken: token,
        })
        return (await this.client.send(put)).VersionId ?? token
      },
      async () => {
        const current = await this.getDatabaseSecret(secret)
        return current.host === to.host && current.port === to.port ? token : undefined
      },
    )
    return answer
  }

  /** Where a secret is replicated to, and whether it is the primary one. */
  async replicationOf(secret: string): Promise<SecretReplication> {
    const answer = await this.calls.read(`describe secret '${secret}'`, () =>
      this.client.send(new DescribeSecretCommand({ SecretId: secret })),
    )
    const { PrimaryRegion: primaryRegion, ReplicationStatus = [] } = answer
    return {
      primaryRegion,
      isReplica: primaryRegion !== undefined && primaryRegion !== this.calls.region,
      replicas: ReplicationStatus.map(({ Region = '', Status, StatusMessage }) => ({
        region: Region,
        state: Status === 'InSync' ? 'inSync' : Status === 'Failed' ? 'failed' : 'inProgress',
        ...(StatusMessage === undefined ? {} : { reason: StatusMessage }),
      })),
    }
  }

  /**
   * Begins to replicate a secret to a region. Safe to call again.
   *
   * @param isForced  whether a secret of the name that is there already is overwritten, as one of before a failover is
   */
  async replicate(secret: string, region: string, isForced = false): Promise<void> {
    await this.calls.repeat(`replicate secret '${secret}' to '${region}'`, () =>
      this.client.send(
        new ReplicateSecretToRegionsCommand({
          SecretId: secret,
          AddReplicaRegions: [{ Region: region }],
          ForceOverwriteReplicaSecret: isForced,
        }),
      ),
    )
  }

  /**
   * Makes a replica of this region a secret of its own, which can be written. It needs no other region. Safe to call again: one
   * that is no replica is left as it is.
   *
   * @returns its ARN
   */
  async promoteReplica(secret: string): Promise<string> {
    const { isReplica } = await this.replicationOf(secret)
    if (!isReplica) return await this.getArn(secret)
    return await this.calls.change(
      `promote the replica of secret '${secret}'`,
      async () => {
        const stop = new StopReplicationToReplicaCommand({ SecretId: secret })
        return (await this.client.send(stop)).ARN ?? secret
      },
      async () =>
        (await this.replicationOf(secret)).isReplica ? undefined : await this.getArn(secret),
    )
  }

  /** The ARN of a secret. */
  async getArn(secret: string): Promise<string> {
    const answer = await this.calls.read(`describe secret '${secret}'`, () =>
      this.client.send(new DescribeSecretCommand({ SecretId: secret })),
    )
    return answer.ARN ?? secret
  }
}

/** @throws LifeboatError `CallRefused`, never quoting any of the value */
function parseDatabaseSecret(secret: string, text: string | undefined): DatabaseSecret {
  const fields = parseFields(text)
  const { host, port, username, password } = fields ?? {}
  const missing = ['host', 'port', 'username', 'password'].filter((key) => !fields?.[key])
  if (!fields || missing.length > 0) {
    throw new LifeboatError(
      'CallRefused',
      `secret '${secret}' is not a database secret: ${fields ? `no ${missing.join(', ')}` : 'its value is no JSON object'}`,
      { hint: 'Write it as RDS does: {"host", "port", "username", "password", "dbname"}.' },
    )
  }
  const database = fields.dbname ?? fields.database
  return {
    host: String(host),
    port: Number(port),
    user: String(username),
    password: String(password),
    database: database === undefined ? undefined : String(database),
    fields,
  }
}

function parseFields(text: string | undefined): Record<string, unknown> | undefined {
  const value = jsonIn(text ?? '')
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
