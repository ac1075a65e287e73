import type { Database } from './database.ts'

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
}

/** Places an order with its line items in one statement, so that both are there or neither. */
export async function placeOrder(
  database: Database,
  customerId: string,
  items: readonly LineItem[],
): Promise<Order> {
  const [order] = await database.query<Order>(
    `WITH item AS (
       SELECT * FROM unnest($2::text[], $3::int[], $4::numeric[])
         WITH ORDINALITY AS item (product, quantity, unit_price, line_number)
     ), placed AS (
       INSERT INTO orders (customer_id, total)
       SELECT $1, sum(quantity * unit_price) FROM item
       RETURNING id, customer_id, total, placed_at
     ), lines AS (
       INSERT INTO line_items (order_id, line_number, product, quantity, unit_price)
       SELECT placed.id, line_number, product, quantity, unit_price FROM placed, item
     )
     SELECT id, customer_id AS "customerId", total, to_json(placed_at) #>> '{}' AS "placedAt" FROM placed`,
    [
      customerId,
      items.map((item) => item.product),
      items.map((item) => item.quantity),
      items.map((item) => item.unitPrice),
    ],
  )
  if (!order) throw new Error('an order was placed without an answer')
  return order
}

/** An order with its line items, or undefined when there is none with this id. */
export async function findOrder(
  database: Database,
  id: string,
): Promise<(Order & { items: LineItem[] }) | undefined> {
  const [order] = await database.query<Order & { items: LineItem[] }>(
    `SELECT id, customer_id AS "customerId", total, to_json(placed_at) #>> '{}' AS "placedAt",
            (SELECT coalesce(json_agg(json_build_object(
                      'product', product, 'quantity', quantity, 'unitPrice', unit_price::text)
                      ORDER BY line_number), '[]')
               FROM line_items WHERE order_id = orders.id) AS items
       FROM orders WHERE id = $1`,
    [id],
  )
  return order
}
