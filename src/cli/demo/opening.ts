import { RegionHome } from '../../region/region-home.ts'
import { type AwsAccess, readAddress } from '../aws-access.ts'
import type { Scenes } from './scenes.ts'
import type { Shop } from './shop.ts'
import type { Stage } from './stage.ts'

const REGION = 'ap-southeast-1'

export interface OpenedRegion {
  readonly home: RegionHome
  readonly access: AwsAccess
  /** For the shop: how any program finds the region. */
  readonly environment: NodeJS.ProcessEnv
}

/** Starts the embedded region, as `lifeboat region start` does. With `keep` it outlives the demo. */
export function openRegion(
  stage: Stage,
  scenes: Scenes,
  options: { keep?: boolean },
): Promise<OpenedRegion> {
  return openRegions(stage, scenes, [REGION], options)
}

/** Starts embedded regions; clients that name none use the first of them. */
export async function openRegions(
  stage: Stage,
  scenes: Scenes,
  names: readonly string[],
  { keep = false, checkSpeed = 1 }: { keep?: boolean; checkSpeed?: number },
): Promise<OpenedRegion> {
  const home = new RegionHome(stage.home.folder)
  const starting = home.start(names, { port: 0, detach: keep, checkSpeed })
  const words = `${names.length > 1 ? 'regions' : 'region'} ${names.join(' and ')}`
  stage.atTheEnd(`the ${words}`, async () => (await starting).stop(), { unlessKept: true })
  await scenes.play(
    `starting ${words}`,
    () => starting,
    ({ endpoint }) => `${words} at ${endpoint}`,
  )
  const variables = await home.environment(names[0])
  const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, LIFEBOAT_DNS } = variables
  const nameServer = readAddress(LIFEBOAT_DNS)
  return {
    home,
    access: {
      endpoint: AWS_ENDPOINT_URL!,
      credentials: { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! },
      ...(nameServer && { nameServer }),
    },
    environment: {
      PATH: process.env.PATH,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...variables,
    },
  }
}

/** Makes the database, fills it, opens the shop and lets customers in. Resolves to the shop's address. */
export async function openShop(shop: Shop, stage: Stage, scenes: Scenes): Promise<string> {
  stage.atTheEnd('the shop', () => shop.stop())
  await scenes.play(
    'creating DB instance shop-db, secret shop/database and bucket shop-receipts',
    () => shop.provision(),
    ({ version }) => `DB instance shop-db: PostgreSQL ${version}, encrypted, 7 days of backups`,
  )
  await scenes.play(
    'loading the shop',
    () => shop.load(),
    ({ customers, orders, receipts }) =>
      `${inFull(orders)} orders of ${inFull(customers)} customers, ${inFull(receipts)} receipts`,
  )
  const url = await scenes.play(
    'opening the shop',
    () => shop.open(),
    (at) => `the shop is open at ${at}`,
  )
  shop.letCustomersIn(url)
  return url
}

/** `120,000` */
export function inFull(count: number): string {
  return count.toLocaleString('en-US')
}
