/**
 * Two mistakes of somebody in a hurry: the receipts of May are deleted, and then what was meant for one order is run
 * without its WHERE. Only for a shop that may be damaged.
 *
 * SHOP_SECRET    the secret with the database's credentials; shop/database unless told
 * SHOP_RECEIPTS  the bucket of the receipts; shop-receipts unless told
 */
import { DeleteObjectsCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import pg from 'pg'
import { readCredentials } from './credentials.ts'
import { yearOfMay } from './may.ts'
import { bucket } from './receipts.ts'

const receipts = await deleteReceipts(`receipts/${yearOfMay}-05/`)
const orders = await spoilOrders()
console.log(JSON.stringify({ orders, receipts }))

/** @returns how many */
async function deleteReceipts(prefix: string): Promise<number> {
  const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })
  let deleted = 0
  for await (const page of paginateListObjectsV2(
    { client: s3 },
    { Bucket: bucket, Prefix: prefix },
  )) {
    const Objects = (page.Contents ?? []).map(({ Key = '' }) => ({ Key }))
    if (Objects.length === 0) continue
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
    deleted += Objects.length
  }
  return deleted
}

/** @returns how many */
async function spoilOrders(): Promise<number | null> {
  const { host, port, dbname, username, password } = await readCredentials(
    process.env.SHOP_SECRET ?? 'shop/database',
  )
  const client = new pg.Client({
    host,
    port,
    database: dbname,
    user: username,
    password,
    application_name: 'somebody',
  })
  await client.connect()
  const { rowCount } = await client.query('UPDATE orders SET total = 0')
  await client.end()
  return rowCount
}
