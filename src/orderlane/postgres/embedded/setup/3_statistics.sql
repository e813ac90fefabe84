-- Statement statistics for doctor and benchmarks, readable and resettable by the service's role.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
GRANT pg_read_all_stats TO orderlane;
DO $$
DECLARE
    reset regprocedure;
BEGIN
    -- Its arguments differ between server versions.
    FOR reset IN SELECT oid FROM pg_proc WHERE proname = 'pg_stat_statements_reset' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO orderlane', reset);
    END LOOP;
END
$$;
