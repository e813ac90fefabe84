-- join_role: Count this session among those that share the keys of a role.
SELECT pg_advisory_lock_shared($1, $2);

-- count_sessions: Count the sessions that share the keys of a role.
SELECT count(*)
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1 AND objid = $2;

-- free_keys: Find those of the keys that nobody owns.
SELECT key
FROM unnest($2::integer[]) AS candidate (key)
WHERE NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = $1 AND objid = key
);

-- claim: Lock each of the keys that is free; those that this session owns now.
SELECT key
FROM unnest($2::integer[]) AS candidate (key)
WHERE pg_try_advisory_lock($1, key);

-- release: Unlock the keys.
SELECT pg_advisory_unlock($1, key)
FROM unnest($2::integer[]) AS owned (key);

-- owned_keys: List the keys of a role that some session owns.
SELECT objid::integer AS key
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1;

-- backend: Tell which server process serves this session.
SELECT pg_backend_pid();

-- has_settings: Tell whether this session has the settings that it asked for.
SELECT current_setting('enable_seqscan') = 'off';

-- try_lock: Take one lock if it is free, for the proof that locks are locks.
SELECT pg_try_advisory_lock($1, $2);
