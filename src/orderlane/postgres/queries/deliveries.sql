-- enabled_subscriptions: Tell what senders share: every enabled subscription, and when it was last changed.
SELECT number, updated_at FROM webhook_subscriptions WHERE enabled;

-- subscriptions: Read the enabled ones among these numbers.
SELECT * FROM webhook_subscriptions WHERE number = ANY ($1::integer[]) AND enabled;

-- state: Tell where the delivery to a subscription stands, and whether this session owns it.
SELECT cursor.*, subscription.client_id,
    greatest(extract(epoch FROM cursor.next_attempt_at - clock_timestamp()), 0)::float8 AS wait_seconds,
    cursor.epoch >= coalesce((SELECT max(number) FROM epochs), 0) AS is_in_last_epoch,
    EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $2 AND objid = $3
    ) AS is_owned
FROM webhook_cursors AS cursor
JOIN webhook_subscriptions AS subscription ON subscription.id = cursor.subscription_id
WHERE subscription_id = $1;

-- is_owned: Tell whether this session owns a subscription.
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $1 AND objid = $2
) AS is_owned;

-- freeze_package: Store a package before it is sent, while the cursor stands where the package begins. In this and the
-- following statements, $2 says that the subscription was found to be owned by this session a moment ago: reading pg_locks
-- takes longer the more locks there are.
UPDATE webhook_cursors
SET epoch = coalesce((SELECT max(number) FROM epochs), 0),
    package_id = $5, package_created_at = $6, package_positions = $7, package_types = $8, package_exclude_types = $9,
    attempts = 0, next_attempt_at = NULL, last_error = CASE WHEN last_error LIKE 'cursor_forked%' THEN last_error END
WHERE subscription_id = $1 AND package_id IS NULL AND positions = $10
    AND ($2 OR EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $3 AND objid = $4
    ))
RETURNING true;

-- complete_package: Move the cursor behind a delivered package, store the next one, and note the attempt.
WITH moved AS (
    UPDATE webhook_cursors
    SET epoch = coalesce((SELECT max(number) FROM epochs), 0),
        positions = package_positions, event_times = coalesce($6, event_times),
        package_id = $7, package_created_at = $8, package_positions = $9, package_types = $10, package_exclude_types = $11,
        attempts = 0, next_attempt_at = NULL, last_error = CASE WHEN last_error LIKE 'cursor_forked%' THEN last_error END
    WHERE subscription_id = $1 AND package_id = $5
        AND ($2 OR EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid()
                AND classid = $3 AND objid = $4
        ))
    RETURNING subscription_id
)
INSERT INTO webhook_attempts (
    subscription_id, package_id, id, attempt, sent_at, latency_ms, status_code, error_code, body_bytes, event_ids
)
SELECT subscription_id, $5, $12, $13, $14, $15, $16, $17, $18, $19 FROM moved
RETURNING true;

-- fail_package: Note a failed attempt and when the next one is due, by the database's clock.
WITH failed AS (
    UPDATE webhook_cursors
    SET attempts = $8, next_attempt_at = clock_timestamp() + $6::interval,
        last_error = CASE WHEN last_error LIKE 'cursor_forked%' THEN last_error ELSE $12 END
    WHERE subscription_id = $1 AND package_id = $5
        AND ($2 OR EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid()
                AND classid = $3 AND objid = $4
        ))
    RETURNING subscription_id
)
INSERT INTO webhook_attempts (
    subscription_id, package_id, id, attempt, sent_at, latency_ms, status_code, error_code, body_bytes, event_ids
)
SELECT subscription_id, $5, $7, $8, $9, $10, $11, $12, $13, $14 FROM failed
RETURNING true;

-- disable_subscription: Send nothing more to a receiver that wants nothing more. A statement of its own: who changes a
-- subscription locks it before its cursor, so nobody may do it the other way round.
UPDATE webhook_subscriptions
SET enabled = false, disabled_reason = $2, updated_at = greatest(business_time(), updated_at + interval '1 millisecond')
WHERE id = $1 AND enabled;

-- skip_events: Move the cursor over events that the filter drops.
UPDATE webhook_cursors
SET epoch = coalesce((SELECT max(number) FROM epochs), 0), positions = $6, event_times = $7
WHERE subscription_id = $1 AND package_id IS NULL AND positions = $5
    AND ($2 OR EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $3 AND objid = $4
    ))
RETURNING true;

-- stop_lanes: Store a cursor some of whose lanes are stopped because their history forked, and say which. Its package
-- ($9, its places) stays only if it holds nothing of them.
UPDATE webhook_cursors
SET epoch = coalesce((SELECT max(number) FROM epochs), 0), positions = $7, last_error = $8,
    package_id = CASE WHEN $9::bigint[] IS NOT NULL THEN package_id END,
    package_created_at = CASE WHEN $9::bigint[] IS NOT NULL THEN package_created_at END,
    package_types = CASE WHEN $9::bigint[] IS NOT NULL THEN package_types END,
    package_exclude_types = CASE WHEN $9::bigint[] IS NOT NULL THEN package_exclude_types END,
    package_positions = $9,
    attempts = CASE WHEN $9::bigint[] IS NOT NULL THEN attempts ELSE 0 END,
    next_attempt_at = CASE WHEN $9::bigint[] IS NOT NULL THEN next_attempt_at END
WHERE subscription_id = $1 AND positions = $5 AND package_id IS NOT DISTINCT FROM $6
    AND ($2 OR EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $3 AND objid = $4
    ))
RETURNING true;
