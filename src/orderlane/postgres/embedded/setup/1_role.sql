-- The service's own role; it may log in only when everything else is set up (4_login.sql).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orderlane') THEN
        CREATE ROLE orderlane NOLOGIN CREATEDB;
    END IF;
END
$$;
