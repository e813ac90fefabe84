-- server_version: the version of the server.
SELECT current_setting('server_version');

-- waiting: how many messages wait in the inbox, and since when the oldest of an account that is not held.
SELECT count(*) AS messages,
    min(created_at) FILTER (WHERE account_id NOT IN (SELECT account_id FROM quarantine)) AS oldest_at
FROM inbox;

-- deliveries: every subscription with the oldest event behind its cursor that its filter lets through.
SELECT subscription.id, subscription.number, subscription.title, subscription.url, subscription.enabled,
    subscription.disabled_reason, cursor.attempts, cursor.last_error,
    (
        SELECT min(event.created_at)
        FROM lanes
        JOIN LATERAL (
            SELECT created_at FROM events
            WHERE lane = lanes.lane AND position > cursor.positions[lanes.lane + 1]
                AND created_at >= cursor.event_times[lanes.lane + 1]
                AND client_id = subscription.client_id
                AND (split_part(type, '.', 1) = ANY (subscription.types) OR 'ALL' = ANY (subscription.types))
                AND split_part(type, '.', 1) <> ALL (subscription.exclude_types)
            ORDER BY position
            LIMIT 1
        ) AS event ON true
        WHERE lanes.position > cursor.positions[lanes.lane + 1]
    ) AS oldest_at
FROM webhook_subscriptions AS subscription
JOIN webhook_cursors AS cursor ON cursor.subscription_id = subscription.id
ORDER BY subscription.number;

-- portfolio_order: one portfolio order of any client.
SELECT * FROM portfolio_orders WHERE id = $1;
