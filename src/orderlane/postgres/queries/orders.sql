-- get_portfolio_order: one portfolio order of a client with its individual orders and their executions, as of one moment.
SELECT placed.*,
    ARRAY(
        SELECT one_order FROM orders AS one_order
        WHERE one_order.portfolio_order_id = placed.id AND one_order.lane = placed.lane
        ORDER BY one_order.leg
    ) AS orders,
    ARRAY(
        SELECT trade FROM executions AS trade
        WHERE trade.portfolio_order_id = placed.id AND trade.lane = placed.lane
        ORDER BY trade.created_at, trade.transaction_time, trade.id
    ) AS executions
FROM portfolio_orders AS placed
WHERE placed.client_id = $1 AND placed.id = $2;

-- list_portfolio_orders: a page of a client's portfolio orders, whole; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT *
    FROM portfolio_orders
    WHERE client_id = $1
        AND ($4::uuid IS NULL OR account_id = $4)
        AND ($5::uuid IS NULL OR allocation_id = $5)
        AND ($6::timestamptz IS NULL OR created_at >= $6)
        AND ($7::timestamptz IS NULL OR created_at < $7)
        AND ($8::text IS NULL OR status = $8)
        AND ($9::text IS NULL OR type = $9)
        AND ($10::text IS NULL OR client_reference = $10)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*,
    ARRAY(
        SELECT one_order FROM orders AS one_order
        WHERE one_order.portfolio_order_id = page.id AND one_order.lane = page.lane
        ORDER BY one_order.leg
    ) AS orders,
    ARRAY(
        SELECT trade FROM executions AS trade
        WHERE trade.portfolio_order_id = page.id AND trade.lane = page.lane
        ORDER BY trade.created_at, trade.transaction_time, trade.id
    ) AS executions
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- owns_portfolio_order: whether a client has a portfolio order.
SELECT true FROM portfolio_orders WHERE client_id = $1 AND id = $2;

-- list_events: a page of the events of a portfolio order; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT id, position, payload FROM events WHERE client_id = $1 AND portfolio_order_id = $4
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- get_order: one individual order of a client with its executions, as of one moment.
SELECT one_order.*, ARRAY(
    SELECT trade FROM executions AS trade
    WHERE trade.portfolio_order_id = one_order.portfolio_order_id AND trade.order_id = one_order.id
        AND trade.lane = one_order.lane
    ORDER BY trade.created_at, trade.transaction_time, trade.id
) AS executions
FROM orders AS one_order
JOIN portfolio_orders AS placed ON placed.id = one_order.portfolio_order_id AND placed.lane = one_order.lane
WHERE placed.client_id = $1 AND one_order.id = $2;

-- list_account_orders: a page of an account's individual orders with executions; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT one_order.*
    FROM portfolio_orders AS placed
    JOIN orders AS one_order ON one_order.portfolio_order_id = placed.id AND one_order.lane = placed.lane
    WHERE placed.client_id = $1 AND placed.account_id = $4
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*, ARRAY(
    SELECT trade FROM executions AS trade
    WHERE trade.portfolio_order_id = page.portfolio_order_id AND trade.order_id = page.id AND trade.lane = page.lane
    ORDER BY trade.created_at, trade.transaction_time, trade.id
) AS executions
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- get_execution: one execution of an individual order of a client.
SELECT trade.*
FROM executions AS trade
JOIN portfolio_orders AS placed ON placed.id = trade.portfolio_order_id AND placed.lane = trade.lane
WHERE placed.client_id = $1 AND trade.order_id = $2 AND trade.id = $3;

-- owns_account: whether a client has an account.
SELECT true FROM accounts WHERE client_id = $1 AND id = $2;
