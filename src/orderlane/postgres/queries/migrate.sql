-- one_at_a_time: wait for whoever migrates this database now; the lock goes with the transaction.
SELECT pg_advisory_xact_lock($1);

-- ensure_history: where the applied migrations are noted.
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL);

-- applied: the names of the applied migrations.
SELECT name FROM schema_migrations;

-- note_applied: a migration is applied.
INSERT INTO schema_migrations (name, applied_at) VALUES ($1, $2);

-- install: fix the number of lanes and the currency, once for ever; no row when that is done already.
INSERT INTO installation (lane_count, currency, created_at)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING lane_count;

-- make_lanes: the lanes of a new installation.
INSERT INTO lanes (lane) SELECT generate_series(0, $1 - 1);
