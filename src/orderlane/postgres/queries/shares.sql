-- join_role: make this session count among those that share the keys of a role.
SELECT pg_advisory_lock_shared($1, $2);

-- count_sessions: how many sessions share the keys of a role.
SELECT count(*)
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1 AND objid = $2;

-- free_keys: those of the keys that nobody owns.
SELECT key
FROM unnest($2::integer[]) AS wanted (key)
WHERE NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = $1 AND objid = key
);

-- try_keys: lock each of the keys, where it is free; those that this session owns now.
SELECT key
FROM unnest($2::integer[]) AS wanted (key)
WHERE pg_try_advisory_lock($1, key);

-- give_back: unlock the keys.
SELECT pg_advisory_unlock($1, key)
FROM unnest($2::integer[]) AS given (key);

-- owned_keys: the keys of a role that some session owns.
SELECT objid::integer AS key
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1;
