-- The service's own role; it may log in only when everything else is set up (4_login.sql).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orderlane') THEN
        CREATE ROLE orderlane NOLOGIN CREATEDB;
    END IF;
END
$$;
-- A database can be dropped, and a hanging session ended, also while the server's own vacuuming is at work there.
GRANT pg_signal_backend TO orderlane;
