-- server_version: Read the version of the server.
SELECT current_setting('server_version');

-- replication: Read whom COMMITs wait for, for how long one does, and whether this role sees the sessions of others.
SELECT current_setting('synchronous_standby_names') AS synchronous_names,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
    count(*) AS waiting_commits,
    max(clock_timestamp() - query_start) AS longest_wait
FROM pg_stat_activity
WHERE wait_event = 'SyncRep';

-- standbys: List the standbys that are connected, but no backup that is being made; what this role may not see is null.
SELECT application_name AS name, state, sync_state, coalesce(replay_lag, interval '0') AS lag
FROM pg_stat_replication
WHERE state IS DISTINCT FROM 'backup' AND application_name IS DISTINCT FROM 'pg_basebackup'
ORDER BY application_name, pid;

-- all_lanes: List every lane of the installation.
SELECT lane FROM lanes ORDER BY lane;

-- waiting: Count the messages that wait in the inbox, and read since when the oldest does.
SELECT (SELECT count(*) FROM inbox) AS messages, now() AS now, (
    SELECT min(oldest.created_at)
    FROM lanes
    CROSS JOIN LATERAL (SELECT created_at FROM inbox WHERE inbox.lane = lanes.lane ORDER BY id LIMIT 1) AS oldest
) AS oldest_at;

-- quarantined_messages: List what an operator has to look at with its error, and how much is set aside behind it.
SELECT quarantine.lane, quarantine.id, quarantine.subject_id, quarantine.kind, quarantine.quarantined_at,
    coalesce(quarantine.error, 'set aside behind a message that is not here any more: release it') AS error,
    (
        SELECT count(*) FROM quarantine AS aside
        WHERE aside.lane = quarantine.lane AND aside.subject_id = quarantine.subject_id AND aside.error IS NULL
    ) AS set_aside
FROM quarantine
WHERE quarantine.error IS NOT NULL OR NOT EXISTS (
    SELECT FROM quarantine AS failed
    WHERE failed.lane = quarantine.lane AND failed.subject_id = quarantine.subject_id AND failed.error IS NOT NULL
)
ORDER BY quarantine.id;

-- fence_held_lane: Move the version of the lane that holds a message: a batch under way is waited for, or refused.
UPDATE lanes SET version = version + 1
FROM quarantine
WHERE quarantine.id = $1 AND lanes.lane = quarantine.lane
RETURNING lanes.lane, quarantine.subject_id;

-- release_subject: Put the messages of a held subject back at their old places in the inbox. In the transaction that has
-- fenced the lane, so that it sees what a batch set aside until then.
WITH moved AS (
    DELETE FROM quarantine WHERE lane = $1 AND subject_id = $2
    RETURNING lane, id, subject_id, kind, message, actor, request_id, created_at
)
INSERT INTO inbox (lane, id, subject_id, kind, message, actor, request_id, created_at)
SELECT lane, id, subject_id, kind, message, actor, request_id, created_at FROM moved;

-- deliveries: List every subscription, or one, with the oldest segment behind its cursor that its filter may let through.
SELECT subscription.id, subscription.number, subscription.title, subscription.url, subscription.enabled,
    subscription.disabled_reason, cursor.attempts, cursor.last_error, cursor.positions, business_time() AS now,
    subscription.client_id, client.name AS client_name,
    (SELECT max(sent_at) FROM webhook_attempts WHERE subscription_id = subscription.id) AS last_attempt_at,
    (
        SELECT min(segment.created_at)
        FROM lanes
        JOIN LATERAL (
            SELECT created_at FROM events
            WHERE events.lane = lanes.lane AND position >= (cursor.positions[lanes.lane + 1] + 1) >> 12
                AND created_at >= cursor.event_times[lanes.lane + 1]
                AND client_id = subscription.client_id
                AND (topics && subscription.types OR 'ALL' = ANY (subscription.types))
                AND NOT topics <@ subscription.exclude_types
            ORDER BY position
            LIMIT 1
        ) AS segment ON true
        WHERE lanes.position >= (cursor.positions[lanes.lane + 1] + 1) >> 12
    ) AS oldest_at
FROM webhook_subscriptions AS subscription
JOIN webhook_cursors AS cursor ON cursor.subscription_id = subscription.id
JOIN clients AS client ON client.id = subscription.client_id
WHERE $1::uuid IS NULL OR subscription.id = $1
ORDER BY subscription.number;

-- enable_webhook: Enable or disable a subscription of any client; enabled, its waiting package is tried at once.
WITH changed AS (
    UPDATE webhook_subscriptions
    SET enabled = $2, disabled_reason = $3,
        updated_at = greatest(business_time(), updated_at + interval '1 millisecond')
    WHERE id = $1
    RETURNING id
), hurried AS (
    UPDATE webhook_cursors SET next_attempt_at = NULL FROM changed WHERE $2 AND subscription_id = changed.id
)
SELECT true FROM changed;

-- delete_webhook: Delete a subscription of any client; its cursor and its attempts go with it.
WITH deleted AS (
    DELETE FROM webhook_subscriptions WHERE id = $1 RETURNING id
), forgotten AS (
    DELETE FROM webhook_attempts USING deleted WHERE subscription_id = deleted.id
)
SELECT true FROM deleted;

-- parent_order: Read one parent order of any client.
SELECT * FROM parent_orders WHERE lane = $1 AND id = $2;

-- segments: Read all segments of a parent order that was created at a time: no older partition is looked into.
SELECT position, payload_bytes, payload
FROM events
WHERE lane = $1 AND parent_id = $2 AND created_at >= $3
ORDER BY position;
