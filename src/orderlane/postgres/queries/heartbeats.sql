-- session: Tell which session this is.
SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid();

-- is_standby: Tell whether this is a standby, on which an unlogged table cannot be read.
SELECT pg_is_in_recovery();

-- beat: Say that the sessions of a process are alive, as far as the server still has them; a gap begins anew.
-- The table is not replicated, but a hint bit on another page may be: a beat without the setting could wait for a
-- standby.
INSERT INTO heartbeats AS last (
    pid, backend_start, role, process_id, host, beating_since, beat_at, clock_difference_ms
)
SELECT pid, backend_start, session.role, $4, $5, now, now, $6
FROM unnest($1::integer[], $2::timestamptz[], $3::text[]) AS session (pid, backend_start, role)
    JOIN pg_stat_activity USING (pid, backend_start)
    CROSS JOIN clock_timestamp() AS now
    CROSS JOIN set_config('synchronous_commit', 'local', true) AS local
ON CONFLICT (pid, backend_start) DO UPDATE
SET beating_since = CASE
        WHEN excluded.beat_at - last.beat_at > interval '3 seconds' THEN excluded.beat_at
        ELSE last.beating_since
    END,
    beat_at = excluded.beat_at,
    clock_difference_ms = excluded.clock_difference_ms;

-- end_silent: End sessions of silent owners that wait for their client, if this session may judge; those ended.
-- A COMMIT that waits for a standby does not wait for its client: ending it would make its rows visible. The list is
-- complete before the first session is ended: a condition beside the others could be computed before them.
WITH silent AS MATERIALIZED (
    SELECT owner.pid, owner.role, owner.process_id::text, owner.host, now - owner.beat_at AS silence
    FROM heartbeats AS owner
        JOIN unnest($1::text[], $2::float8[]) AS patience (role, seconds) USING (role)
        JOIN pg_stat_activity AS session ON session.pid = owner.pid AND session.backend_start = owner.backend_start
        CROSS JOIN clock_timestamp() AS now
    WHERE owner.beat_at < now - seconds * interval '1 second'
        AND session.state_change < now - seconds * interval '1 second'
        AND session.wait_event_type = 'Client'
        AND session.wait_event <> 'SyncRep'
        AND EXISTS (
            SELECT
            FROM heartbeats AS judge JOIN pg_stat_activity AS own USING (pid, backend_start)
            WHERE own.pid = pg_backend_pid()
                AND judge.beating_since < now - seconds * interval '1 second'
                AND judge.beat_at > now - interval '3 seconds'
        )
)
SELECT silent.*
FROM silent CROSS JOIN LATERAL (SELECT pg_terminate_backend(silent.pid, 1000) OFFSET 0) AS ending (is_ended)
WHERE is_ended;

-- forget_gone: Delete the beats of sessions that the server no longer has.
DELETE FROM heartbeats AS gone
WHERE NOT EXISTS (
    SELECT FROM pg_stat_activity AS session
    WHERE session.pid = gone.pid AND (session.backend_start = gone.backend_start OR session.backend_start IS NULL)
);

-- owners: List what beats or should, the silent first, and whether its COMMIT waits for a standby.
SELECT owner.pid, owner.role, owner.process_id::text, owner.host, now - owner.beat_at AS silence,
    owner.clock_difference_ms * interval '1 millisecond' AS clock_difference,
    session.wait_event IS NOT DISTINCT FROM 'SyncRep' AS waits_for_standby
FROM heartbeats AS owner
    JOIN pg_stat_activity AS session ON session.pid = owner.pid AND session.backend_start = owner.backend_start
    CROSS JOIN clock_timestamp() AS now
ORDER BY silence DESC, owner.pid;
