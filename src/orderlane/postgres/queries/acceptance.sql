-- look_up_requests: Read per portfolio order to be accepted the answer its key got before, its account, user and
-- configuration, and the business time.
SELECT record.fingerprint, record.status AS answer_status, record.body AS answer_body,
    account.row AS account, customer.status AS user_status, configuration.allocation_id, clock.now
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[]) WITH ORDINALITY
    AS request (client_id, key, lane, account_id, user_id, number)
CROSS JOIN (SELECT business_time() AS now) AS clock
LEFT JOIN LATERAL (
    SELECT * FROM idempotency_records WHERE client_id = request.client_id AND key = request.key LIMIT 1
) AS record ON true
LEFT JOIN LATERAL (
    SELECT found AS row
    FROM accounts AS found
    WHERE found.lane = request.lane AND found.id = request.account_id AND found.client_id = request.client_id
    LIMIT 1
) AS account ON true
LEFT JOIN LATERAL (
    SELECT * FROM users WHERE id = request.user_id AND client_id = request.client_id LIMIT 1
) AS customer ON true
LEFT JOIN LATERAL (
    SELECT * FROM portfolio_configurations
    WHERE lane = request.lane AND account_id = request.account_id AND client_id = request.client_id
    LIMIT 1
) AS configuration ON true
ORDER BY request.number;

-- accept: Claim keys with their answers, and for those that were free store the orders and put messages into the inbox.
-- One statement, so all of it or nothing. Keys are claimed in key order, so that concurrent batches cannot deadlock.
-- Columns are named: one that a newer version has added keeps its default.
WITH request AS (
    SELECT *
    FROM unnest(
        $2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[], $6::uuid[], $7::smallint[], $8::uuid[], $9::text[],
        $10::bytea[], $11::text[], $12::text[]
    ) WITH ORDINALITY AS request (
        client_id, key, fingerprint, body, parent_id, lane, subject_id, kind, message, actor, request_id, number
    )
), claimed AS (
    INSERT INTO idempotency_records (client_id, key, fingerprint, status, body)
    SELECT client_id, key, fingerprint, $1, body
    FROM request
    ORDER BY client_id, key
    ON CONFLICT (client_id, key) DO NOTHING
    RETURNING client_id, key
), placed AS (
    INSERT INTO parent_orders (
        lane, id, kind, client_id, user_id, account_id, allocation_id, cash_amount, currency, type, status, post_tax,
        client_reference, initiation_flow, created_at, updated_at
    )
    SELECT parent.lane, parent.id, parent.kind, parent.client_id, parent.user_id, parent.account_id,
        parent.allocation_id, parent.cash_amount, parent.currency, parent.type, parent.status, parent.post_tax,
        parent.client_reference, parent.initiation_flow, parent.created_at, parent.updated_at
    FROM json_populate_recordset(NULL::parent_orders, $13::json) AS parent
    JOIN request ON request.parent_id = parent.id
    JOIN claimed ON claimed.client_id = request.client_id AND claimed.key = request.key
), told AS (
    INSERT INTO inbox (lane, subject_id, kind, message, actor, request_id)
    SELECT lane, subject_id, kind, message, actor, request_id
    FROM request
    JOIN claimed USING (client_id, key)
    ORDER BY number
)
SELECT client_id, key FROM claimed;

-- kept_answers: Read what is kept for idempotency keys.
SELECT record.client_id, record.key, record.fingerprint, record.status AS answer_status, record.body AS answer_body
FROM unnest($1::uuid[], $2::uuid[]) AS asked (client_id, key)
JOIN idempotency_records AS record ON record.client_id = asked.client_id AND record.key = asked.key;
