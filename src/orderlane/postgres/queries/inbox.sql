-- put_messages: Hand messages to the lanes of their subjects, in this order.
INSERT INTO inbox (lane, subject_id, kind, message, actor, request_id)
SELECT lane, subject_id, kind, message, actor, request_id
FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[]) WITH ORDINALITY
    AS new (lane, subject_id, kind, message, actor, request_id, number)
ORDER BY number;
