-- look_up_requests: per portfolio order to be accepted, the answer its key got before, its account, user and configuration.
SELECT record.fingerprint, record.status AS answer_status, record.body AS answer_body,
    account.lane, account.user_id AS owner_id, account.type AS account_type, account.currency AS account_currency,
    customer.status AS user_status,
    configuration.allocation_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) WITH ORDINALITY
    AS request (client_id, key, account_id, user_id, number)
LEFT JOIN LATERAL (
    SELECT * FROM idempotency_records WHERE client_id = request.client_id AND key = request.key LIMIT 1
) AS record ON true
LEFT JOIN LATERAL (
    SELECT * FROM accounts WHERE id = request.account_id AND client_id = request.client_id LIMIT 1
) AS account ON true
LEFT JOIN LATERAL (
    SELECT * FROM users WHERE id = request.user_id AND client_id = request.client_id LIMIT 1
) AS customer ON true
LEFT JOIN LATERAL (
    SELECT * FROM portfolio_configurations WHERE account_id = account.id LIMIT 1
) AS configuration ON true
ORDER BY request.number;

-- accept: claim keys with their answers, and for those that were free store the portfolio orders and tell their lanes.
-- One statement, so all of it or nothing. Keys are taken in their order: two batches never wait for each other in a ring.
WITH request AS (
    SELECT *
    FROM unnest(
        $2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[], $6::timestamptz[], $7::uuid[], $8::smallint[], $9::uuid[],
        $10::uuid[], $11::uuid[], $12::numeric[], $13::text[], $14::text[], $15::text[], $16::boolean[], $17::text[],
        $18::text[], $19::text[], $20::jsonb[]
    ) WITH ORDINALITY AS request (
        client_id, key, fingerprint, body, created_at, id, lane, user_id,
        account_id, allocation_id, cash_amount, currency, type, status, post_tax, client_reference,
        initiation_flow, kind, message, number
    )
), claimed AS (
    INSERT INTO idempotency_records (client_id, key, fingerprint, status, body, created_at)
    SELECT client_id, key, fingerprint, $1, body, created_at
    FROM request
    ORDER BY client_id, key
    ON CONFLICT (client_id, key) DO NOTHING
    RETURNING client_id, key
), placed AS (
    INSERT INTO portfolio_orders (
        id, lane, client_id, user_id, account_id, allocation_id, cash_amount, currency, type, status, post_tax,
        client_reference, initiation_flow, cancellation_details, sequence, created_at, updated_at
    )
    SELECT id, lane, client_id, user_id, account_id, allocation_id, cash_amount, currency, type, status, post_tax,
        client_reference, initiation_flow, '', 0, created_at, created_at
    FROM request
    JOIN claimed USING (client_id, key)
), told AS (
    INSERT INTO inbox (lane, account_id, kind, payload)
    SELECT lane, account_id, kind, message
    FROM request
    JOIN claimed USING (client_id, key)
    ORDER BY number
)
SELECT client_id, key FROM claimed;

-- kept_answers: what is kept for idempotency keys.
SELECT client_id, key, fingerprint, status AS answer_status, body AS answer_body
FROM idempotency_records
JOIN unnest($1::uuid[], $2::uuid[]) AS wanted (client_id, key) USING (client_id, key);
