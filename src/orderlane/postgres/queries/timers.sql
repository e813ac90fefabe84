-- make_event_partition: give the events of a day a partition of their own.
SELECT make_event_partition($1);

-- due_executions: executions to settle by a day, of portfolio orders that trade no more, oldest first.
SELECT execution.id, execution.lane, execution.account_id
FROM executions AS execution
JOIN portfolio_orders AS portfolio_order
    ON portfolio_order.id = execution.portfolio_order_id AND portfolio_order.lane = execution.lane
WHERE execution.status = 'FILLED' AND execution.settlement_date <= $1
    AND portfolio_order.status NOT IN ('NEW', 'PROCESSING')
    AND NOT EXISTS (
        SELECT FROM inbox
        WHERE inbox.account_id = execution.account_id AND inbox.kind = 'SETTLE_EXECUTIONS'
    )
    AND NOT EXISTS (SELECT FROM quarantine WHERE quarantine.account_id = execution.account_id)
ORDER BY execution.settlement_date, execution.account_id
LIMIT $2;

-- forget_idempotency_records: drop some of those that are older.
DELETE FROM idempotency_records
WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_records WHERE created_at < $1 LIMIT $2));

-- forget_nonces: drop some of those whose signatures are too old to count.
DELETE FROM used_nonces
WHERE ctid = ANY (ARRAY(SELECT ctid FROM used_nonces WHERE expires_at < $1 LIMIT $2));

-- forget_attempts: drop some of those that were made earlier.
DELETE FROM webhook_attempts
WHERE ctid = ANY (ARRAY(SELECT ctid FROM webhook_attempts WHERE sent_at < $1 LIMIT $2));
