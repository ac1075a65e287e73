import type { Database } from './database.ts'
import { receiptOf, storeReceipt } from './receipts.ts'

export interface LineItem {
  readonly product: string
  readonly quantity: number
  /** In the shop's currency, as decimal text: '12.50'. */
  readonly unitPrice: string
}

export interface Order {
  /** A bigint, as text. */
  readonly id: string
  readonly customerId: string
  readonly total: string
  readonly placedAt: string
  /** The key of its receipt, and the entity tag. Orders from before there were receipts have none. */
  readonly receipt: string | null
  readonly receiptTag?: string
}

/**
 * Places an order: first its receipt, then the order with its line items in one statement, so that no order points at a
 * receipt that is not there. A receipt whose order failed points at nothing and harms nobody.
 */
export async function placeOrder(
  database: Database,
  customerId: string,
  items: readonly LineItem[],
): Promise<Order> {
  const [number] = await database.query<{ id: string; placedAt: Date; total: string }>(
    `SELECT nextval(pg_get_serial_sequence('orders', 'id')) AS id, now() AS "placedAt",
            sum(quantity * unit_price)::numeric(12, 2) AS total
       FROM unnest($1::int[], $2::numeric[]) AS item (quantity, unit_price)`,
    [items.map((item) => item.quantity), items.map((item) => item.unitPrice)],
  )
  if (!number) throw new Error('an order has no number')
  const receipt = receiptOf(number)
  const receiptTag = await storeReceipt(receipt)
  const [order] = await database.query<Order>(
    `WITH item AS (
       SELECT * FROM unnest($2::text[], $3::int[], $4::numeric[])
         WITH ORDINALITY AS item (product, quantity, unit_price, line_number)
     ), placed AS (
       INSERT INTO orders (id, customer_id, total, receipt, placed_at) VALUES ($5, $1, $6, $7, $8)
       RETURNING id, customer_id, total, receipt, placed_at
     ), lines AS (
       INSERT INTO line_items (order_id, line_number, product, quantity, unit_price)
       SELECT placed.id, line_number, product, quantity, unit_price FROM placed, item
     )
     SELECT id, customer_id AS "customerId", total, receipt, to_json(placed_at) #>> '{}' AS "placedAt" FROM placed`,
    [
      customerId,
      items.map((item) => item.product),
      items.map((item) => item.quantity),
      items.map((item) => item.unitPrice),
      number.id,
      number.total,
      receipt.key,
      number.placedAt,
    ],
  )
  if (!order) throw new Error('an order was placed without an answer')
  return { ...order, receiptTag }
}

/** An order with its line items, or undefined when there is none with this id. */
export async function findOrder(
  database: Database,
  id: string,
): Promise<(Order & { items: LineItem[] }) | undefined> {
  const [order] = await database.query<Order & { items: LineItem[] }>(
    `SELECT id, customer_id AS "customerId", total, receipt, to_json(placed_at) #>> '{}' AS "placedAt",
            (SELECT coalesce(json_agg(json_build_object(
                      'product', product, 'quantity', quantity, 'unitPrice', unit_price::text)
                      ORDER BY line_number), '[]')
               FROM line_items WHERE order_id = orders.id) AS items
       FROM orders WHERE id = $1`,
    [id],
  )
  return order
}
