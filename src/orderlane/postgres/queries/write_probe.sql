-- begin_probe: Tell whether the transaction is read-only, and let it keep little in memory, so that the probe spills.
SELECT current_setting('transaction_read_only')::boolean, set_config('work_mem', '64kB', true);

-- probe_writing: Write about 300 kB to a temporary file, and a message that the commit makes durable in the log.
SELECT pg_logical_emit_message(true, 'orderlane', (SELECT count(*)::text FROM generate_series(1, 10000)));
