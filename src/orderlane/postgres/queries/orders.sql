-- get_parent_order: Read one parent order of a client, as of one moment.
SELECT * FROM parent_orders WHERE lane = $1 AND id = $2 AND client_id = $3;

-- list_portfolio_orders: Read a page of a client's portfolio orders; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT *
    FROM parent_orders
    WHERE client_id = $1 AND kind = 'PORTFOLIO'
        AND ($4::uuid IS NULL OR allocation_id = $4)
        AND ($5::timestamptz IS NULL OR created_at >= $5)
        AND ($6::timestamptz IS NULL OR created_at < $6)
        AND ($7::text IS NULL OR status = $7)
        AND ($8::text IS NULL OR type = $8)
        AND ($9::text IS NULL OR client_reference = $9)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- list_portfolio_orders_of_account: Read a page of the portfolio orders of an account; always a row, with the count.
WITH matching AS NOT MATERIALIZED (
    SELECT *
    FROM parent_orders
    WHERE lane = $10 AND account_id = $11 AND client_id = $1 AND kind = 'PORTFOLIO'
        AND ($4::uuid IS NULL OR allocation_id = $4)
        AND ($5::timestamptz IS NULL OR created_at >= $5)
        AND ($6::timestamptz IS NULL OR created_at < $6)
        AND ($7::text IS NULL OR status = $7)
        AND ($8::text IS NULL OR type = $8)
        AND ($9::text IS NULL OR client_reference = $9)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- count_events: Count the events of a client's parent order, and read when it was created; no row where there is none.
-- No event is older than its parent order: older partitions are not looked into.
SELECT parent.created_at, (
    SELECT coalesce(sum(cardinality(ids)), 0)::bigint
    FROM events
    WHERE events.lane = parent.lane AND events.parent_id = parent.id AND events.created_at >= parent.created_at
) AS total_count
FROM parent_orders AS parent
WHERE parent.lane = $1 AND parent.id = $2 AND parent.client_id = $3;

-- segments_of_parent: Read the segments of a parent order, created at $5, that hold its events $3 to $4, counted from 0.
SELECT events.parent_id AS id, counted.first, events.payload_bytes, events.payload
FROM (
    SELECT lane, position, created_at, cardinality(ids) AS frames,
        sum(cardinality(ids)) OVER (ORDER BY position) - cardinality(ids) AS first
    FROM events
    WHERE lane = $1 AND parent_id = $2 AND created_at >= $5
) AS counted
JOIN events ON events.lane = counted.lane AND events.position = counted.position
    AND events.created_at = counted.created_at
WHERE counted.first < $4 AND counted.first + counted.frames > $3
ORDER BY {order};

-- list_account_orders: Read the parents of a page of an account's individual orders, each with the place of its first.
-- The orders of one parent stand together: no document is read but those of the page. Always a row, with the count.
WITH counted AS NOT MATERIALIZED (
    SELECT id, created_at, legs_new + legs_processing + legs_filled + legs_cancelled AS orders
    FROM parent_orders
    WHERE lane = $4 AND account_id = $5 AND client_id = $1
), placed AS (
    SELECT id, orders, sum(orders) OVER (ORDER BY {order}) - orders AS first FROM counted WHERE orders > 0
), page AS (
    SELECT id, first FROM placed WHERE first < $3::bigint + $2::bigint AND first + orders > $3
)
SELECT (SELECT coalesce(sum(orders), 0)::bigint FROM counted) AS total_count, page.first, parent.*
FROM (VALUES (1)) AS always
LEFT JOIN (page JOIN parent_orders AS parent ON parent.lane = $4 AND parent.id = page.id) ON true
ORDER BY {order};

-- list_account_orders_by_change: Read a page of an account's individual orders by a time of their own.
-- Every document of the account is unpacked. Always a row, with the count of all of them.
WITH page AS (
    SELECT lane, parent_id, document, row_number() OVER (ORDER BY {order}) AS place
    FROM orders
    WHERE lane = $4 AND account_id = $5 AND client_id = $1
    ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (
        SELECT coalesce(sum(legs_new + legs_processing + legs_filled + legs_cancelled), 0)::bigint
        FROM parent_orders
        WHERE lane = $4 AND account_id = $5 AND client_id = $1
    ) AS total_count, page.document::text AS document, parent.*
FROM (VALUES (1)) AS always
LEFT JOIN page ON true
LEFT JOIN LATERAL (
    SELECT id, kind, client_id, user_id, account_id, allocation_id, cash_amount, currency, type, status, post_tax,
        client_reference, initiation_flow, cancellation_reason, cancellation_details, wave, is_last_wave, sequence,
        created_at, updated_at
    FROM parent_orders
    WHERE lane = page.lane AND id = page.parent_id
    LIMIT 1
) AS parent ON true
ORDER BY page.place;

-- owns_account: Tell whether a client has an account.
SELECT true FROM accounts WHERE lane = $1 AND id = $2 AND client_id = $3;
