-- make_event_partition: Give the events of a day a partition of their own.
SELECT make_event_partition($1);

-- business_date: Read the day, in UTC, that the service is in.
SELECT (business_time() AT TIME ZONE 'UTC')::date;

-- due_parent_orders: List parent orders with executions to settle by a day that trade no more, the oldest date first,
-- behind the place where the last list ended.
SELECT parent.settles_on, parent.lane, parent.id, parent.account_id
FROM parent_orders AS parent
WHERE parent.settles_on <= $1 AND (parent.settles_on, parent.lane, parent.id) > ($3::date, $4::smallint, $5::uuid)
    AND parent.status NOT IN ('NEW', 'PROCESSING')
    AND NOT EXISTS (
        SELECT FROM inbox
        WHERE inbox.lane = parent.lane AND inbox.subject_id = parent.account_id AND inbox.kind = 'SETTLE_EXECUTIONS'
    )
    AND NOT EXISTS (
        SELECT FROM quarantine WHERE quarantine.lane = parent.lane AND quarantine.subject_id = parent.account_id
    )
ORDER BY parent.settles_on, parent.lane, parent.id
LIMIT $2;

-- forget_idempotency_records: Delete some of those that are older, by the clock that dated them.
DELETE FROM idempotency_records
WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_records WHERE created_at < now() - $1::interval LIMIT $2));

-- forget_nonces: Delete some of those whose signatures expired that long ago.
DELETE FROM used_nonces
WHERE ctid = ANY (ARRAY(SELECT ctid FROM used_nonces WHERE expires_at < now() - $1::interval LIMIT $2));

-- forget_attempts: Delete some of those that were made earlier.
DELETE FROM webhook_attempts
WHERE ctid = ANY (ARRAY(SELECT ctid FROM webhook_attempts WHERE sent_at < now() - $1::interval LIMIT $2));
