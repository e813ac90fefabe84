-- claim_key: Take a client's idempotency key, unless it is taken; waits for a transaction that has it.
INSERT INTO idempotency_records (client_id, key, fingerprint, status, body)
VALUES ($1, $2, $3, 0, '')
ON CONFLICT (client_id, key) DO NOTHING
RETURNING true;

-- kept_answer: Read what is kept for a client's idempotency key.
SELECT fingerprint, status, body FROM idempotency_records WHERE client_id = $1 AND key = $2;

-- keep_answer: Keep the answer of a claimed key.
UPDATE idempotency_records SET status = $3, body = $4 WHERE client_id = $1 AND key = $2;
