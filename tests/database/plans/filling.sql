-- made_id: A UUIDv7 of a time, with a number in its randomness and a slot.
CREATE FUNCTION made_id(made_at timestamptz, number bigint, slot bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (
        lpad(to_hex((date_part('epoch', made_at) * 1000)::bigint), 12, '0') || '70008'
        || lpad(to_hex(number), 12, '0') || lpad(to_hex(slot), 3, '0')
    )::uuid
$$;

-- made_accounts: Accounts by number, with all that belongs to each: half of them are the first client's.
CREATE UNLOGGED TABLE made_accounts AS
SELECT number, number % 1024 AS slot, (number % 64)::smallint AS lane,
    made_id('2026-01-01', number, number % 1024) AS id,
    made_id('2025-01-01', CASE number % 2 WHEN 0 THEN 1 ELSE 2 + number / 2 % 4 END, 0) AS client_id,
    made_id('2025-06-01', number, number % 1024) AS user_id,
    made_id('2025-07-01', number, number % 1024) AS group_id,
    made_id('2025-02-01', number % 50, 0) AS allocation_id,
    '2026-01-01'::timestamptz AS created_at
FROM generate_series(0, $1::bigint - 1) AS number;

-- made_documents: The individual orders of a parent order that trades, and of one that is done, compressed as in a row.
CREATE UNLOGGED TABLE made_documents AS SELECT $1::bytea AS trading, $2::bytea AS done;

-- made_parents: Parent orders by number: of the last three days, some still trade and others are to be settled.
CREATE UNLOGGED TABLE made_parents AS
SELECT number, account.*, made_at, made_id(made_at, number, slot) AS parent_id,
    CASE
        WHEN number % 1000 = 0 THEN 'CANCELLED'
        WHEN number > $1 * 0.999 THEN 'NEW'
        WHEN number > $1 * 0.995 THEN 'PROCESSING'
        WHEN number > $1 * 0.93 THEN 'FILLED'
        ELSE 'SETTLED'
    END AS state
FROM generate_series(1, $1::bigint) AS number
CROSS JOIN LATERAL (
    SELECT '2026-06-01 00:00+00'::timestamptz + interval '2592000 seconds' * (number::double precision / $1) AS made_at
) AS time
JOIN (
    SELECT number AS account_number, slot, lane, id, client_id, user_id, group_id, allocation_id FROM made_accounts
) AS account ON account.account_number = number * 7919 % (SELECT count(*) FROM made_accounts);

-- clients: Five clients.
INSERT INTO clients (id, name, secret_hash, scopes, created_at)
SELECT made_id('2025-01-01', number, 0), 'Client ' || number, '', '{}', '2025-01-01'
FROM generate_series(1, 5) AS number;

-- users: A user for each account.
INSERT INTO users (id, client_id, details, status, created_at, updated_at)
SELECT user_id, client_id, '{}', 'ACTIVE', created_at, created_at FROM made_accounts;

-- account_groups: A group for each account.
INSERT INTO account_groups (id, client_id, user_id, type, status, created_at, updated_at)
SELECT group_id, client_id, user_id, 'PERSONAL', 'ACTIVE', created_at, created_at FROM made_accounts;

-- venues: A second venue.
INSERT INTO venues (id, name, is_default, created_at)
VALUES (made_id('2025-01-01', 900, 0), 'OTHER', false, '2025-01-01');

-- instruments: Five hundred instruments.
INSERT INTO instruments (
    isin, id, name, currency, minimum_amount, fractional, trading_status, price, created_at, updated_at
)
SELECT 'DE' || lpad(number::text, 10, '0'), made_id('2025-01-01', number, 0), 'Instrument ' || number, 'EUR', 1, true,
    'ACTIVE', 10, '2025-01-01', '2025-01-01'
FROM generate_series(1, 500) AS number;

-- allocations: Fifty allocations of ten instruments.
INSERT INTO allocations (id, client_id, name, created_at, updated_at)
SELECT made_id('2025-02-01', number, 0), made_id('2025-01-01', 1 + number % 5, 0), 'Allocation ' || number,
    '2025-02-01', '2025-02-01'
FROM generate_series(0, 49) AS number;

-- allocation_weights: Their weights.
INSERT INTO allocation_weights (allocation_id, entry, isin, weight)
SELECT made_id('2025-02-01', number, 0), entry, 'DE' || lpad((1 + number * 10 + entry)::text, 10, '0'), 10
FROM generate_series(0, 49) AS number, generate_series(0, 9) AS entry;

-- accounts: The accounts.
INSERT INTO accounts (
    lane, id, client_id, user_id, account_group_id, type, status, name, currency, distribution, account_number,
    created_at, updated_at
)
SELECT lane, id, client_id, user_id, group_id, 'PORTFOLIO', 'ACTIVE', '', 'EUR', 'DEFAULT', 1, created_at, created_at
FROM made_accounts;

-- portfolio_configurations: Each account follows an allocation.
INSERT INTO portfolio_configurations (lane, account_id, client_id, allocation_id, created_at, updated_at)
SELECT lane, id, client_id, allocation_id, created_at, created_at FROM made_accounts;

-- holdings: Ten positions and cash for each account.
INSERT INTO holdings (lane, account_id, asset, asset_type, quantity, locked, pending)
SELECT lane, id, CASE entry WHEN 0 THEN 'EUR' ELSE 'DE' || lpad((entry + slot % 490)::text, 10, '0') END,
    CASE entry WHEN 0 THEN 'CASH' ELSE 'INSTRUMENT' END, 100, 0, 0
FROM made_accounts, generate_series(0, 10) AS entry;

-- parent_orders: The parent orders, with one document of individual orders that trade and one of those that are done.
INSERT INTO parent_orders (
    lane, id, kind, client_id, user_id, account_id, allocation_id, cash_amount, currency, type, status, post_tax,
    client_reference, initiation_flow, wave, sequence, legs_processing, legs_filled, settles_on, legs,
    created_at, updated_at
)
SELECT lane, parent_id, CASE number % 20 WHEN 0 THEN 'LIQUIDATION' WHEN 1 THEN 'SINGLE' ELSE 'PORTFOLIO' END, client_id,
    user_id, id, CASE WHEN number % 20 > 1 THEN allocation_id END, 100, 'EUR', 'BUY', state, false,
    'reference ' || number, 'API', 1, 6, CASE state WHEN 'PROCESSING' THEN 10 ELSE 0 END,
    CASE WHEN state IN ('FILLED', 'SETTLED') THEN 10 ELSE 0 END,
    CASE WHEN state = 'FILLED' THEN (made_at + interval '2 days')::date END,
    CASE WHEN state IN ('FILLED', 'SETTLED') THEN done WHEN state = 'PROCESSING' THEN trading ELSE '[]' END,
    made_at, made_at
FROM made_parents, made_documents;

-- events: A segment of three events for each parent order, at the positions of its lane.
INSERT INTO events (
    lane, position, created_at, epoch, client_id, subject_id, parent_id, message_id, topics, ids, types, sequences,
    order_ids, payload_bytes, payload
)
SELECT lane, row_number() OVER (PARTITION BY lane ORDER BY number), made_at, 1, client_id, id, parent_id, number,
    '{PORTFOLIO_ORDER,ORDER}', ARRAY[parent_id, parent_id, parent_id],
    '{PORTFOLIO_ORDER.PROCESSING,ORDER.NEW,ORDER.NEW}', '{1,2,3}', ARRAY[NULL, parent_id, parent_id], $1, $2
FROM made_parents;

-- lanes: The heads of the lanes.
UPDATE lanes
SET position = head.position, last_event_at = head.created_at
FROM (SELECT lane, max(position) AS position, max(created_at) AS created_at FROM events GROUP BY lane) AS head
WHERE head.lane = lanes.lane;

-- journal: A message for each parent order.
INSERT INTO journal (
    lane, message_id, subject_id, kind, actor, request_id, received_at, parent_id, message, postings, created_at
)
SELECT lane, number, id, 'PLACE_PORTFOLIO_ORDER', 'client:' || client_id, '', made_at, parent_id, '{}',
    '[{"asset": "EUR", "asset_type": "CASH", "reason": "ORDER", "locked": "100"}]', made_at
FROM made_parents;

-- inbox: A message for each of the newest parent orders waits.
INSERT INTO inbox (lane, id, subject_id, kind, message, actor, created_at)
SELECT lane, number, id, CASE number % 10 WHEN 0 THEN 'SETTLE_EXECUTIONS' ELSE 'PLACE_PORTFOLIO_ORDER' END, '{}',
    'client:' || client_id, made_at
FROM made_parents WHERE number > (SELECT max(number) * 0.99 FROM made_parents);

-- quarantine: One account is held, with what came for it meanwhile.
INSERT INTO quarantine (lane, id, subject_id, kind, message, actor, request_id, created_at, error, quarantined_at)
SELECT lane, number, id, 'PLACE_PORTFOLIO_ORDER', '{}', 'timer', '', made_at,
    CASE WHEN row_number() OVER (ORDER BY number) = 1 THEN 'ValueError' END, made_at
FROM made_parents WHERE account_number = 17;

-- venue_outbox: The orders of the newest parent orders wait for the venue.
INSERT INTO venue_outbox (lane, venue_number, parent_id, wave, kind, account_id, legs, orders)
SELECT lane, 1, parent_id, 0, 'SEND', id, '{1,2}', '[]'
FROM made_parents WHERE number > (SELECT max(number) * 0.99 FROM made_parents);

-- webhook_subscriptions: Two subscriptions of each client.
INSERT INTO webhook_subscriptions (
    id, client_id, title, url, types, exclude_types, enabled, delay_ms, max_package_bytes, secret, created_at,
    updated_at
)
SELECT made_id('2025-03-01', number, 0), made_id('2025-01-01', 1 + number % 5, 0), '', 'https://example.com', '{ALL}',
    '{}', true, 100, 100000, '', '2025-03-01', '2025-03-01'
FROM generate_series(1, 10) AS number;

-- webhook_cursors: Each a few segments behind the heads.
INSERT INTO webhook_cursors (subscription_id, epoch, positions, event_times)
SELECT webhook_subscriptions.id, 1, array_agg((position - 4) * 4096 ORDER BY lane),
    array_agg(last_event_at - interval '1 hour' ORDER BY lane)
FROM webhook_subscriptions, lanes
GROUP BY webhook_subscriptions.id;

-- webhook_attempts: An attempt for every fifty parent orders.
INSERT INTO webhook_attempts (
    id, subscription_id, package_id, attempt, sent_at, latency_ms, status_code, body_bytes, event_ids
)
SELECT parent_id, made_id('2025-03-01', 1 + number / 50 % 10, 0), parent_id, 1, made_at, 12, 200, 10000,
    ARRAY[parent_id]
FROM made_parents WHERE number % 50 = 0;

-- idempotency_records: The keys of the last two days.
INSERT INTO idempotency_records (client_id, key, fingerprint, status, body, created_at)
SELECT client_id, parent_id, '', 202, '{}', made_at
FROM made_parents WHERE number > (SELECT max(number) * 0.93 FROM made_parents);

-- used_nonces: As many nonces.
INSERT INTO used_nonces (client_id, nonce, expires_at)
SELECT client_id, number::text, made_at FROM made_parents WHERE number > (SELECT max(number) * 0.93 FROM made_parents);

-- forget_numbers: Drop what was made for the filling only.
DROP TABLE made_parents, made_accounts, made_documents;
