import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** What a secret made for RDS holds. Source: Secrets Manager User Guide, "JSON structure of secrets". */
export interface DatabaseCredentials {
  readonly host: string
  readonly port: number
  readonly dbname: string
  readonly username: string
  readonly password: string
}

/** Region, endpoint and keys come from the environment, as everywhere with the AWS SDK. */
const secretsManager = new SecretsManagerClient({})

/** `host:port` of a database that is nearer than the one in the secret. */
const nearer = process.env.SHOP_DATABASE?.split(':')

/** Reads the shop's database credentials from the secret `name`. */
export async function readCredentials(name: string): Promise<DatabaseCredentials> {
  const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: name }))
  if (!SecretString) throw new Error(`the secret '${name}' holds no text`)
  const credentials: DatabaseCredentials = JSON.parse(SecretString)
  const [host, port] = nearer ?? []
  return host ? { ...credentials, host, port: Number(port) } : credentials
}
