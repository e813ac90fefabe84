-- one_at_a_time: Wait for whoever migrates this database now; the lock goes with the transaction.
SELECT pg_advisory_xact_lock($1);

-- ensure_history: Create the table of applied migrations.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL
);

-- has_history: Tell whether the database has a table of applied migrations.
SELECT to_regclass('schema_migrations') IS NOT NULL;

-- applied: List the applied migrations with the digests of their text; earlier states of the program kept none.
SELECT name, to_jsonb(schema_migrations) ->> 'sha256' AS sha256 FROM schema_migrations;

-- note_applied: Note that a migration is applied.
INSERT INTO schema_migrations (name, sha256, applied_at) VALUES ($1, $2, $3);

-- install: Fix the number of lanes, the currency and the mode, once for ever; no row when that is done already.
INSERT INTO installation (lane_count, currency, development, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING lane_count;

-- make_lanes: Create the lanes of a new installation.
INSERT INTO lanes (lane) SELECT generate_series(0, $1 - 1);
