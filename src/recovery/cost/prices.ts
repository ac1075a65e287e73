/**
 * What AWS asks, in USD without taxes, discounts and free tiers, for as much as Lifeboat counts. Prices change and differ by
 * region and by account: a table of one's own may be given instead.
 */
export type PriceTable = {
  /** When the prices were entered; ISO 8601. */
  readonly date: string
  readonly source: string
  /** S3 Standard, first tier, a GB (2^30 bytes) and month, by the region in which it is stored. */
  readonly storagePerGbMonth: Readonly<Record<string, number>>
  /** A thousand PUT requests, by the region that takes them. */
  readonly putPerThousand: Readonly<Record<string, number>>
  /** A GB that leaves a region for another one, by the region that it leaves. */
  readonly transferPerGb: Readonly<Record<string, number>>
  /** S3 Batch Operations. */
  readonly batchPerJob: number
  readonly batchPerMillionObjects: number
}

/** List prices. A region that is not here has no price, which is not a price of 0. */
export const PRICES: PriceTable = {
  date: '2026-11-28',
  source:
    'aws.amazon.com/s3/pricing, entered by hand; check the AWS Price List before you rely on it',
  storagePerGbMonth: {
    'us-east-1': 0.023,
    'us-east-2': 0.023,
    'us-west-2': 0.023,
    'eu-west-1': 0.023,
    'eu-central-1': 0.0245,
    'ap-southeast-1': 0.025,
    'ap-southeast-2': 0.025,
    'ap-northeast-1': 0.025,
  },
  putPerThousand: {
    'us-east-1': 0.005,
    'us-east-2': 0.005,
    'us-west-2': 0.005,
    'eu-west-1': 0.005,
    'eu-central-1': 0.0054,
    'ap-southeast-1': 0.005,
    'ap-southeast-2': 0.0055,
    'ap-northeast-1': 0.0047,
  },
  transferPerGb: {
    'us-east-1': 0.02,
    'us-east-2': 0.02,
    'us-west-2': 0.02,
    'eu-west-1': 0.02,
    'eu-central-1': 0.02,
    'ap-southeast-1': 0.09,
    'ap-southeast-2': 0.098,
    'ap-northeast-1': 0.09,
  },
  batchPerJob: 0.25,
  batchPerMillionObjects: 1,
}
