-- put_messages: hand messages to the lanes of their accounts, in this order.
INSERT INTO inbox (lane, account_id, kind, payload)
SELECT lane, account_id, kind, payload
FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::jsonb[]) WITH ORDINALITY
    AS message (lane, account_id, kind, payload, number)
ORDER BY number;
