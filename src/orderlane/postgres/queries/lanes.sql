-- all_lanes: List every lane of the installation.
SELECT lane FROM lanes ORDER BY lane;

-- take_messages: Read the oldest messages lane by lane, until there are enough, with the heads of their lanes.
-- One statement, so messages and heads are as of one moment: what was applied meanwhile has moved the head. No lane's
-- backlog is walked past.
WITH clock AS MATERIALIZED (
    SELECT business_time() AS now, (SELECT max(number) FROM epochs) AS epoch
), taken AS MATERIALIZED (
    SELECT message.*
    FROM unnest($1::smallint[]) AS owned (lane)
    CROSS JOIN LATERAL (
        SELECT lane, id, subject_id, kind, message, actor, request_id, created_at
        FROM inbox
        WHERE inbox.lane = owned.lane
        ORDER BY id
        LIMIT $2
    ) AS message
    LIMIT $2
)
SELECT taken.*, head.position, head.version, head.last_event_at, clock.now, clock.epoch,
    EXISTS (SELECT FROM quarantine WHERE quarantine.lane = taken.lane) AS is_holding
FROM taken
JOIN lanes AS head ON head.lane = taken.lane
CROSS JOIN clock;

-- take_message: Read one message alone, with the head of its lane as of the same moment.
SELECT taken.lane, taken.id, taken.subject_id, taken.kind, taken.message, taken.actor, taken.request_id, taken.created_at,
    head.position, head.version, head.last_event_at,
    business_time() AS now, (SELECT max(number) FROM epochs) AS epoch,
    EXISTS (SELECT FROM quarantine WHERE quarantine.lane = taken.lane) AS is_holding
FROM inbox AS taken
JOIN lanes AS head ON head.lane = taken.lane
WHERE taken.lane = $1 AND taken.id = $2;

-- held_subjects: List those of the subjects that are held.
SELECT DISTINCT quarantine.subject_id
FROM unnest($1::smallint[], $2::uuid[]) AS asked (lane, subject_id)
JOIN quarantine ON quarantine.lane = asked.lane AND quarantine.subject_id = asked.subject_id;

-- set_aside: Move messages of held subjects out of the inbox, so that they are not read again.
WITH moved AS (
    DELETE FROM inbox
    USING unnest($1::smallint[], $2::bigint[]) AS held (lane, id)
    WHERE inbox.lane = held.lane AND inbox.id = held.id
    RETURNING inbox.*
)
INSERT INTO quarantine (lane, id, subject_id, kind, message, actor, request_id, created_at, quarantined_at)
SELECT lane, id, subject_id, kind, message, actor, request_id, created_at, now() FROM moved;

-- accounts: Read the accounts of a batch, each with its client's choice of how reasons are told.
SELECT account.*, (SELECT official_reasons FROM clients WHERE clients.id = account.client_id) AS official_reasons
FROM unnest($1::smallint[], $2::uuid[]) AS asked (lane, id)
CROSS JOIN LATERAL (SELECT * FROM accounts WHERE lane = asked.lane AND id = asked.id LIMIT 1) AS account;

-- holdings: Read all that the accounts of a batch hold.
SELECT held.*
FROM unnest($1::smallint[], $2::uuid[]) AS asked (lane, account_id)
CROSS JOIN LATERAL (
    SELECT * FROM holdings WHERE lane = asked.lane AND account_id = asked.account_id OFFSET 0
) AS held;

-- parent_orders: Read the parent orders that a batch concerns.
SELECT parent.*
FROM unnest($1::smallint[], $2::uuid[]) AS asked (lane, id)
CROSS JOIN LATERAL (SELECT * FROM parent_orders WHERE lane = asked.lane AND id = asked.id LIMIT 1) AS parent;

-- allocations: Read allocations with their weights.
SELECT allocation.id, allocation.client_id, allocation.name, allocation.created_at, allocation.updated_at,
    entry.isin, entry.weight
FROM allocations AS allocation
JOIN allocation_weights AS entry ON entry.allocation_id = allocation.id
WHERE allocation.id = ANY ($1::uuid[])
ORDER BY allocation.id, entry.entry;

-- user_statuses: Read where the relation with users stands.
SELECT id, status FROM users WHERE id = ANY ($1::uuid[]);

-- instruments: Read instruments by ISIN, each with its venue or the default one.
SELECT instrument.isin, instrument.name, instrument.currency, instrument.minimum_amount, instrument.fractional,
    instrument.trading_status, instrument.price,
    venue.id AS venue_id, venue.number AS venue_number, venue.name AS venue_name
FROM instruments AS instrument
JOIN venues AS venue ON venue.id = coalesce(instrument.venue_id, (SELECT id FROM venues WHERE is_default))
WHERE instrument.isin = ANY ($1::text[]);

-- move_heads: Move the heads of lanes that stand where they were read; those that were moved.
UPDATE lanes
SET position = head.position, version = lanes.version + 1, last_event_at = head.last_event_at
FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[], $4::bigint[])
    AS head (lane, position, last_event_at, version)
WHERE lanes.lane = head.lane AND lanes.version = head.version
RETURNING lanes.lane;

-- delete_messages: Delete what is applied, in the transaction that applies it.
DELETE FROM inbox
USING unnest($1::smallint[], $2::bigint[]) AS applied (lane, id)
WHERE inbox.lane = applied.lane AND inbox.id = applied.id;

-- write_holdings: Write what the accounts hold now.
INSERT INTO holdings (lane, account_id, asset, asset_type, quantity, locked, pending, owed)
SELECT lane, account_id, asset, asset_type, quantity::numeric, locked::numeric, pending::numeric, owed::numeric
FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS held (lane, account_id, asset, asset_type, quantity, locked, pending, owed)
ON CONFLICT (lane, account_id, asset) DO UPDATE
SET quantity = excluded.quantity, locked = excluded.locked, pending = excluded.pending, owed = excluded.owed;

-- change_parent_orders: Write the state of parent orders and of their individual orders after the batch.
UPDATE parent_orders
SET status = changed.status, cancellation_reason = changed.cancellation_reason,
    cancellation_details = changed.cancellation_details, wave = changed.wave, is_last_wave = changed.is_last_wave,
    sequence = changed.sequence, legs_new = changed.legs_new, legs_processing = changed.legs_processing,
    legs_filled = changed.legs_filled, legs_cancelled = changed.legs_cancelled, settles_on = changed.settles_on,
    legs = changed.legs, updated_at = changed.updated_at
FROM unnest(
    $1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::boolean[], $8::integer[],
    $9::smallint[], $10::smallint[], $11::smallint[], $12::smallint[], $13::date[], $14::bytea[], $15::timestamptz[]
) AS changed (
    lane, id, status, cancellation_reason, cancellation_details, wave, is_last_wave, sequence,
    legs_new, legs_processing, legs_filled, legs_cancelled, settles_on, legs, updated_at
)
WHERE parent_orders.lane = changed.lane AND parent_orders.id = changed.id;

-- quarantine_message: Move a message out of the inbox, which holds its subject; a batch under way is refused.
WITH moved AS (
    DELETE FROM inbox WHERE lane = $1 AND id = $2
    RETURNING lane, id, subject_id, kind, message, actor, request_id, created_at
), fenced AS (
    UPDATE lanes SET version = version + 1 WHERE lane = $1
)
INSERT INTO quarantine (
    lane, id, subject_id, kind, message, actor, request_id, created_at, error, quarantined_at
)
SELECT lane, id, subject_id, kind, message, actor, request_id, created_at, $3, now() FROM moved;
