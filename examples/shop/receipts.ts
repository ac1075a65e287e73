import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

/** Region, endpoint and keys come from the environment. An endpoint of one's own need not have names for all buckets. */
const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })

/** Where the receipts are: SHOP_RECEIPTS, or shop-receipts. */
export const bucket = process.env.SHOP_RECEIPTS ?? 'shop-receipts'

export interface Receipt {
  readonly key: string
  readonly text: string
}

/** The receipt of an order, under the month in which it was placed. */
export function receiptOf(order: { id: string; placedAt: Date; total: string }): Receipt {
  const month = order.placedAt.toISOString().slice(0, 7)
  return {
    key: `receipts/${month}/${order.id}.txt`,
    text: `Receipt of order ${order.id}\nTotal: ${order.total}\nThank you.\n`,
  }
}

/** Stores a receipt. @returns its entity tag, once S3 has it on disk */
export async function storeReceipt({ key, text }: Receipt): Promise<string> {
  const { ETag = '' } = await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: 'text/plain' }),
  )
  return ETag.replaceAll('"', '')
}
