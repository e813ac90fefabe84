-- one_at_a_time: Wait for whoever else looks at the epoch now; the lock goes with the transaction.
SELECT pg_advisory_xact_lock($1);

-- identity: Read what tells this history of the database from others; a standby has no WAL file of its own.
SELECT system_identifier,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END AS wal_file
FROM pg_control_system();

-- all_epochs: List every epoch in the sequence in which they began.
SELECT * FROM epochs ORDER BY number;

-- last_epoch: Read the epoch that began last.
SELECT * FROM epochs ORDER BY number DESC LIMIT 1;

-- append: Begin an epoch with the lanes' heads that are there now.
INSERT INTO epochs (number, system_identifier, timeline, heads, reason, began_at)
SELECT $1, $2, $3, coalesce(array_agg(position ORDER BY lane), '{}'), $4, date_trunc('milliseconds', clock_timestamp())
FROM lanes
RETURNING *;
