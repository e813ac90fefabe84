-- all_lanes: every lane of the installation.
SELECT lane FROM lanes ORDER BY lane;

-- take_messages: the oldest messages of the lanes, without those of held accounts.
SELECT id, lane, account_id, kind, payload
FROM inbox AS message
WHERE lane = ANY ($1::smallint[])
    AND NOT EXISTS (SELECT FROM quarantine WHERE quarantine.account_id = message.account_id)
ORDER BY id
LIMIT $2;

-- take_message: one message alone, unless its account is held.
SELECT id, lane, account_id, kind, payload
FROM inbox AS message
WHERE id = $1
    AND NOT EXISTS (SELECT FROM quarantine WHERE quarantine.account_id = message.account_id);

-- heads: where the lanes are.
SELECT lane, position, last_event_at FROM lanes WHERE lane = ANY ($1::smallint[]);

-- accounts: the accounts of a batch.
SELECT * FROM accounts WHERE id = ANY ($1::uuid[]);

-- holdings: all that the accounts of a batch hold.
SELECT account_id, asset, asset_type, quantity, locked, pending
FROM holdings
WHERE account_id = ANY ($1::uuid[]);

-- portfolio_orders: those that are placed, reported on or settled in a batch.
SELECT *
FROM portfolio_orders
WHERE id IN (
    SELECT unnest($1::uuid[])
    UNION
    SELECT portfolio_order_id FROM orders WHERE id = ANY ($2::uuid[])
    UNION
    SELECT portfolio_order_id FROM executions WHERE id = ANY ($3::uuid[])
);

-- orders: the individual orders of portfolio orders, in the order of their legs.
SELECT * FROM orders WHERE portfolio_order_id = ANY ($1::uuid[]) ORDER BY portfolio_order_id, leg;

-- executions: the executions of portfolio orders, in the order in which they were booked.
SELECT * FROM executions WHERE portfolio_order_id = ANY ($1::uuid[]) ORDER BY created_at, transaction_time, id;

-- allocations: allocations with their weights.
SELECT allocation.id, allocation.client_id, allocation.name, allocation.created_at, allocation.updated_at,
    entry.isin, entry.weight
FROM allocations AS allocation
JOIN allocation_weights AS entry ON entry.allocation_id = allocation.id
WHERE allocation.id = ANY ($1::uuid[])
ORDER BY allocation.id, entry.entry;

-- instruments: instruments by ISIN.
SELECT isin, name, currency, minimum_amount, fractional, trading_status, price
FROM instruments
WHERE isin = ANY ($1::text[]);

-- delete_messages: what is applied leaves the inbox in the transaction that applies it.
DELETE FROM inbox WHERE id = ANY ($1::bigint[]);

-- move_heads: the lanes' new heads.
UPDATE lanes
SET position = head.position, last_event_at = head.last_event_at
FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[]) AS head (lane, position, last_event_at)
WHERE lanes.lane = head.lane;

-- write_holdings: what the accounts hold now.
INSERT INTO holdings AS held (account_id, lane, asset, asset_type, quantity, locked, pending)
SELECT *
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[])
ON CONFLICT (account_id, asset, lane) DO UPDATE
SET quantity = excluded.quantity, locked = excluded.locked, pending = excluded.pending;

-- change_portfolio_orders: their state after the batch.
UPDATE portfolio_orders
SET status = changed.status, cancellation_reason = changed.cancellation_reason,
    cancellation_details = changed.cancellation_details, sequence = changed.sequence, updated_at = changed.updated_at
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[])
    AS changed (id, lane, status, cancellation_reason, cancellation_details, sequence, updated_at)
WHERE portfolio_orders.id = changed.id AND portfolio_orders.lane = changed.lane;

-- change_orders: their state after the batch.
UPDATE orders
SET status = changed.status, cancellation_reason = changed.cancellation_reason,
    reported_quantity = changed.reported_quantity, updated_at = changed.updated_at
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::numeric[], $6::timestamptz[])
    AS changed (id, lane, status, cancellation_reason, reported_quantity, updated_at)
WHERE orders.id = changed.id AND orders.lane = changed.lane;

-- change_executions: their state after the batch.
UPDATE executions
SET status = changed.status
FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS changed (id, lane, status)
WHERE executions.id = changed.id AND executions.lane = changed.lane;

-- quarantine_message: move a message out of the inbox, which holds its account.
WITH moved AS (
    DELETE FROM inbox WHERE id = $1
    RETURNING id, lane, account_id, kind, payload, created_at
)
INSERT INTO quarantine (id, lane, account_id, kind, payload, created_at, error, quarantined_at)
SELECT id, lane, account_id, kind, payload, created_at, $2, $3 FROM moved;

-- quarantined_messages: what an operator has to look at, oldest first.
SELECT id, lane, account_id, kind, payload, created_at, error, quarantined_at FROM quarantine ORDER BY id;

-- release_message: put a quarantined message back at its old place in the inbox; its account goes on.
WITH moved AS (
    DELETE FROM quarantine WHERE id = $1
    RETURNING id, lane, account_id, kind, payload, created_at
)
INSERT INTO inbox (id, lane, account_id, kind, payload, created_at)
SELECT id, lane, account_id, kind, payload, created_at FROM moved
RETURNING id;
