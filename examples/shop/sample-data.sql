-- A few years of trade, made on the server: customers, orders and two line items for each order.
-- :customers and :orders are filled in by load.ts.
INSERT INTO customers (id, name, email, created_at)
SELECT c, 'Customer ' || c, 'customer' || c || '@example.com', now() - (:customers - c) * interval '6 hours'
  FROM generate_series(1, :customers) AS c;

INSERT INTO line_items (order_id, line_number, product, quantity, unit_price)
SELECT o, l,
       (ARRAY['lifebelt', 'flare', 'compass', 'rope', 'lamp', 'anchor', 'whistle'])[1 + (o * 5 + l * 3) % 7],
       1 + (o + l) % 3,
       (100 + (o * 37 + l * 1013) % 4900) / 100.0
  FROM generate_series(1, :orders) AS o, generate_series(1, 2) AS l;

INSERT INTO orders (id, customer_id, total, placed_at)
SELECT order_id, 1 + (order_id * 7919) % :customers, sum(quantity * unit_price),
       now() - (:orders - order_id) * interval '15 minutes'
  FROM line_items
 GROUP BY order_id
 ORDER BY order_id;

SELECT setval(pg_get_serial_sequence('customers', 'id'), :customers),
       setval(pg_get_serial_sequence('orders', 'id'), :orders);

ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE line_items ADD FOREIGN KEY (order_id) REFERENCES orders;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (placed_at);
