-- add_subscription: Store a subscription, and its cursor with all segments behind it: it gets what happens from now on.
WITH subscription AS (
    INSERT INTO webhook_subscriptions (
        id, client_id, title, url, types, exclude_types, enabled, delay_ms, max_package_bytes, secret, created_at, updated_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
    RETURNING id
)
INSERT INTO webhook_cursors (subscription_id, epoch, positions, event_times)
SELECT id, coalesce((SELECT max(number) FROM epochs), 0), head.places, head.event_times
FROM subscription, (
    SELECT array_agg((position << 12) + 4095 ORDER BY lane) AS places, array_agg(last_event_at ORDER BY lane) AS event_times
    FROM lanes
) AS head;

-- lock_client: Lock a client, so that no other transaction counts its subscriptions until this one ends.
SELECT FROM clients WHERE id = $1 FOR NO KEY UPDATE;

-- count_subscriptions: Count the subscriptions of a client, as they are after its lock was waited for.
SELECT count(*) FROM webhook_subscriptions WHERE client_id = $1;

-- get_subscription: Read one subscription of a client.
SELECT * FROM webhook_subscriptions WHERE client_id = $1 AND id = $2;

-- lock_subscription: Read one subscription of a client, and lock it against changes until the transaction ends.
SELECT * FROM webhook_subscriptions WHERE client_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- list_subscriptions: Read a page of a client's subscriptions; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT * FROM webhook_subscriptions WHERE client_id = $1
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- change_subscription: Store what a client may change; each change has a time of its own, by which senders see it. A
-- waiting package is tried at once, as the cause may be mended.
WITH changed AS (
    UPDATE webhook_subscriptions
    SET title = $3, url = $4, types = $5, exclude_types = $6, enabled = $7, delay_ms = $8, max_package_bytes = $9,
        updated_at = greatest($10::timestamptz, updated_at + interval '1 millisecond'),
        disabled_reason = CASE WHEN $7::boolean THEN NULL ELSE disabled_reason END
    WHERE client_id = $1 AND id = $2
    RETURNING id
), hurried AS (
    UPDATE webhook_cursors SET next_attempt_at = NULL FROM changed WHERE subscription_id = changed.id
)
SELECT true FROM changed;

-- delete_subscription: Delete a subscription; its cursor and its attempts go with it.
WITH deleted AS (
    DELETE FROM webhook_subscriptions WHERE client_id = $1 AND id = $2 RETURNING id
), forgotten AS (
    DELETE FROM webhook_attempts USING deleted WHERE subscription_id = deleted.id
)
SELECT true FROM deleted;

-- list_attempts: Read a page of the attempts to deliver to a subscription of a client; always a row, with the count of
-- all.
SELECT (SELECT count(*) FROM webhook_attempts WHERE subscription_id = $4) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN (
    SELECT *
    FROM webhook_attempts
    WHERE subscription_id = $4
        AND EXISTS (SELECT FROM webhook_subscriptions WHERE client_id = $1 AND id = $4)
    ORDER BY {order} LIMIT $2 OFFSET $3
) AS page ON true
ORDER BY {order};

-- active_keys: Read the keys that sign webhooks and are published, the newest first.
SELECT id, private_key AS seed, created_at, retired_at
FROM signing_keys
WHERE purpose = 'WEBHOOK' AND (retired_at IS NULL OR retired_at > $1)
ORDER BY created_at DESC, id DESC;

-- lock_keys: Lock the keys, so that no other session makes one until the transaction ends.
LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE;

-- ensure_key: Store a key that signs webhooks, unless there is one.
INSERT INTO signing_keys (id, purpose, private_key, created_at)
SELECT $1, 'WEBHOOK', $2, $3
WHERE NOT EXISTS (SELECT FROM signing_keys WHERE purpose = 'WEBHOOK' AND (retired_at IS NULL OR retired_at > $3));

-- rotate_keys: Store a new key, and let the others sign for a while yet.
WITH retired AS (
    UPDATE signing_keys SET retired_at = $4
    WHERE purpose = 'WEBHOOK' AND (retired_at IS NULL OR retired_at > $4)
)
INSERT INTO signing_keys (id, purpose, private_key, created_at) VALUES ($1, 'WEBHOOK', $2, $3);
