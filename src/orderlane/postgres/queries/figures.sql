-- backlog: Count what waits in the inbox, in quarantine, for a worker ($1 is the class of the lanes' locks), for a subscriber.
SELECT
    (SELECT count(*) FROM inbox) AS waiting_messages,
    (
        SELECT coalesce(extract(epoch FROM now() - min(oldest.created_at)), 0)::double precision
        FROM lanes
        CROSS JOIN LATERAL (
            SELECT created_at FROM inbox WHERE inbox.lane = lanes.lane ORDER BY id LIMIT 1
        ) AS oldest
    ) AS oldest_message_age_seconds,
    (SELECT count(*) FROM quarantine WHERE error IS NOT NULL) AS quarantined_messages,
    (
        SELECT count(*) FROM lanes WHERE lane NOT IN (
            SELECT objid::integer FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
    ) AS lanes_without_worker,
    (
        SELECT min(segment.created_at)
        FROM webhook_subscriptions AS subscription
        JOIN webhook_cursors AS cursor ON cursor.subscription_id = subscription.id
        CROSS JOIN lanes
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
        WHERE subscription.enabled AND lanes.position >= (cursor.positions[lanes.lane + 1] + 1) >> 12
    ) AS oldest_undelivered_event_at;

-- applied_migrations: List the steps of the schema that the database has; no table where there is no schema at all.
SELECT name FROM schema_migrations;
