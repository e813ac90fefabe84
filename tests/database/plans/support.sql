-- indexes: How to drop and to make again each key and index of the largest tables.
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
FROM pg_constraint
WHERE conrelid = ANY ('{parent_orders,events,journal}'::regclass[]) AND contype = 'p'
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
FROM pg_index
WHERE indrelid = ANY ('{parent_orders,events,journal}'::regclass[]) AND NOT indisprimary;

-- unlogged: How to write no log for the largest tables.
SELECT format('ALTER TABLE %s SET UNLOGGED', oid::regclass) AS statement
FROM pg_class
WHERE relkind = 'r' AND relpersistence = 'p' AND (relname LIKE 'events\_%' OR relname IN ('parent_orders', 'journal'));

-- sample: One account of the client that has most orders, and what belongs to it.
WITH client AS MATERIALIZED (
    SELECT client_id AS id FROM accounts GROUP BY client_id ORDER BY count(*) DESC LIMIT 1
), parent AS MATERIALIZED (
    SELECT parent.*
    FROM client
    JOIN parent_orders AS parent ON parent.client_id = client.id
    WHERE EXISTS (
        SELECT FROM venue_outbox AS outbox
        WHERE outbox.lane = parent.lane AND outbox.venue_number = 1 AND outbox.parent_id = parent.id
    )
    ORDER BY parent.created_at DESC, parent.id DESC
    LIMIT 1
)
SELECT account.lane, account.client_id, account.user_id, account.account_group_id AS group_id, account.id AS account_id,
    configuration.allocation_id, holding.asset AS isin, parent.id AS parent_id, parent.created_at AS parent_created_at, parent.client_reference,
    message.id AS message_id, subscription.id AS subscription_id, cursor.positions AS places, cursor.event_times,
    head.places AS head_places
FROM parent
JOIN accounts AS account ON account.lane = parent.lane AND account.id = parent.account_id
JOIN portfolio_configurations AS configuration
    ON configuration.lane = account.lane AND configuration.account_id = account.id
JOIN holdings AS holding ON holding.lane = account.lane AND holding.account_id = account.id
JOIN inbox AS message ON message.lane = account.lane AND message.subject_id = account.id
JOIN webhook_subscriptions AS subscription ON subscription.client_id = account.client_id
JOIN webhook_cursors AS cursor ON cursor.subscription_id = subscription.id
CROSS JOIN (SELECT array_agg((position << 12) + 4095 ORDER BY lane) AS places FROM lanes) AS head
WHERE holding.asset_type = 'INSTRUMENT'
ORDER BY holding.asset, message.id, subscription.id
LIMIT 1;
