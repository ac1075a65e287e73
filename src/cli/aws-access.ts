import { RegionClient } from '../aws/region-client.ts'
import { RegionHome } from '../region/region-home.ts'
import type { Invocation } from './invocation.ts'

/** How to reach a region: what the environment says, or the embedded regions of this home. */
export interface AwsAccess {
  readonly endpoint?: string
  readonly controlEndpoint?: string
  /** Where the names of embedded regions' zones are answered. */
  readonly nameServer?: { readonly host: string; readonly port: number }
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/**
 * The environment decides, as for every AWS client. When it says nothing and regions of this home run,
 * they are used, and the operator is told.
 */
export async function awsAccess(invocation: Invocation): Promise<AwsAccess> {
  const { environment, home, output } = invocation
  const decides = ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_ROLE_ARN']
  if (decides.some((name) => environment[name])) {
    const controlEndpoint = environment.AWS_ENDPOINT_URL_S3_CONTROL ?? environment.AWS_ENDPOINT_URL
    const nameServer = readAddress(environment.LIFEBOAT_DNS)
    return { ...(controlEndpoint && { controlEndpoint }), ...(nameServer && { nameServer }) }
  }
  const access = await embeddedAccess(home.folder)
  if (!access) return {}
  output.say(`using the embedded regions of this home at ${access.endpoint}`)
  return access
}

/** Access to the embedded regions of a home; undefined while none of them runs. */
async function embeddedAccess(home: string): Promise<AwsAccess | undefined> {
  const regions = new RegionHome(home)
  const { endpoint, dnsAddress } = await regions.status()
  if (!endpoint) return undefined
  const keys = await regions.environment()
  const credentials = {
    accessKeyId: keys.AWS_ACCESS_KEY_ID!,
    secretAccessKey: keys.AWS_SECRET_ACCESS_KEY!,
  }
  const nameServer = readAddress(dnsAddress)
  return { endpoint, credentials, ...(nameServer && { nameServer }) }
}

/** `127.0.0.1:4553` in parts. */
export function readAddress(text: string | undefined): AwsAccess['nameServer'] {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text ?? '') ?? []
  return host === undefined ? undefined : { host, port: Number(port) }
}

/** Holds sockets: close it. */
export function regionClient(
  access: AwsAccess,
  region: string,
  { clock }: Pick<Invocation, 'clock'>,
): RegionClient {
  return new RegionClient({ region, clock, ...access })
}
