-- enabled_subscriptions: what senders share: every enabled subscription, and when it was last changed.
SELECT number, updated_at FROM webhook_subscriptions WHERE enabled;

-- subscriptions: the enabled ones among these numbers.
SELECT * FROM webhook_subscriptions WHERE number = ANY ($1::integer[]) AND enabled;

-- state: where the delivery to a subscription stands.
SELECT cursor.*, subscription.client_id
FROM webhook_cursors AS cursor
JOIN webhook_subscriptions AS subscription ON subscription.id = cursor.subscription_id
WHERE subscription_id = $1;

-- pending_events: the next events behind a reader's place. Only lanes with something new are probed. $3 positions are
-- shared evenly by them; what some do not need goes to the others. A lane without a match gives one row without event.
-- LIMIT keeps every lane's events an index scan of their own: a plan made while the table was empty would join by hash.
WITH pending AS MATERIALIZED (
    SELECT lane, position AS head, last_event_at AS head_time,
        ($1::bigint[])[lane + 1] AS after, ($2::timestamptz[])[lane + 1] AS after_time
    FROM lanes
    WHERE position > ($1::bigint[])[lane + 1]
), shares AS MATERIALIZED (
    SELECT *, least(head, after + greatest(
        ceil($3::numeric / count(*) OVER ()), $3 - (sum(head - after) OVER () - (head - after))
    )::bigint) AS upto
    FROM pending
)
SELECT event.created_at, share.lane, event.position, event.id, event.payload, event.client_id, event.type, share.upto,
    CASE WHEN share.upto = share.head THEN share.head_time END AS head_time
FROM shares AS share
LEFT JOIN LATERAL (
    SELECT * FROM events
    WHERE lane = share.lane AND position > share.after AND position <= share.upto
        AND created_at >= share.after_time AND created_at <= share.head_time
        AND client_id = ANY ($4::uuid[])
        AND (split_part(type, '.', 1) = ANY ($5::text[]) OR 'ALL' = ANY ($5::text[]))
        AND split_part(type, '.', 1) <> ALL ($6::text[])
    ORDER BY position
    LIMIT share.upto - share.after
) AS event ON true
ORDER BY event.created_at, share.lane, event.position;

-- package_events: the events of a stored package, in the order in which they were sent.
SELECT event.created_at, event.lane, event.position, event.id, event.payload, event.client_id, event.type
FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS reach (after, after_time, upto, number)
JOIN LATERAL (
    SELECT * FROM events
    WHERE lane = reach.number - 1 AND position > reach.after AND position <= reach.upto
        AND created_at >= reach.after_time
        AND client_id = $4
        AND (split_part(type, '.', 1) = ANY ($5::text[]) OR 'ALL' = ANY ($5::text[]))
        AND split_part(type, '.', 1) <> ALL ($6::text[])
    ORDER BY position
    LIMIT reach.upto - reach.after
) AS event ON true
WHERE reach.upto > reach.after
ORDER BY event.created_at, event.lane, event.position;

-- freeze_package: store a package before it is sent, while the cursor stands where the package begins.
UPDATE webhook_cursors
SET package_id = $2, package_created_at = $3, package_positions = $4, package_types = $5, package_exclude_types = $6,
    attempts = 0, next_attempt_at = NULL, last_error = NULL
WHERE subscription_id = $1 AND package_id IS NULL AND positions = $7
RETURNING true;

-- complete_package: move the cursor behind a delivered package, store the next one, and note the attempt.
WITH moved AS (
    UPDATE webhook_cursors
    SET positions = package_positions, event_times = coalesce($3, event_times),
        package_id = $4, package_created_at = $5, package_positions = $6, package_types = $7, package_exclude_types = $8,
        attempts = 0, next_attempt_at = NULL, last_error = NULL
    WHERE subscription_id = $1 AND package_id = $2
    RETURNING subscription_id
)
INSERT INTO webhook_attempts (
    subscription_id, package_id, id, attempt, sent_at, latency_ms, status_code, error_code, body_bytes, event_ids
)
SELECT subscription_id, $2, $9, $10, $11, $12, $13, $14, $15, $16 FROM moved
RETURNING true;

-- fail_package: note a failed attempt and when the next one is due.
WITH failed AS (
    UPDATE webhook_cursors
    SET attempts = $5, next_attempt_at = $3, last_error = $9
    WHERE subscription_id = $1 AND package_id = $2
    RETURNING subscription_id
)
INSERT INTO webhook_attempts (
    subscription_id, package_id, id, attempt, sent_at, latency_ms, status_code, error_code, body_bytes, event_ids
)
SELECT subscription_id, $2, $4, $5, $6, $7, $8, $9, $10, $11 FROM failed
RETURNING true;

-- disable_subscription: send nothing more to a receiver that wants nothing more. A statement of its own: who changes a
-- subscription locks it before its cursor, so nobody may do it the other way round.
UPDATE webhook_subscriptions
SET enabled = false, disabled_reason = $2, updated_at = greatest($3::timestamptz, updated_at + interval '1 millisecond')
WHERE id = $1 AND enabled;

-- skip_events: move the cursor over events that the filter drops.
UPDATE webhook_cursors
SET positions = $3, event_times = $4
WHERE subscription_id = $1 AND package_id IS NULL AND positions = $2
RETURNING true;

-- heads: the position of every lane's last event, by lane number.
SELECT array_agg(position ORDER BY lane) AS positions FROM lanes;
