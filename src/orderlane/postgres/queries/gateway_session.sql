-- backend: Tell which server process serves this session; it holds the session's locks for as long as it lives.
SELECT pg_backend_pid();

-- owned_lanes: List the lanes that this very session owns at its venue.
SELECT objid::integer AS lane
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid() AND classid = $1;

-- waiting: Read the oldest rows of lanes that the server process $1 owns, lane by lane; what is sent before cancels.
SELECT outbox.lane, outbox.kind, outbox.legs, outbox.orders
FROM unnest($3::smallint[]) WITH ORDINALITY AS served (lane, place)
CROSS JOIN LATERAL (
    SELECT lane, parent_id, wave, kind, legs, orders
    FROM venue_outbox
    WHERE venue_outbox.lane = served.lane AND venue_number = $2 AND parent_id <> ALL ($4::uuid[])
    ORDER BY parent_id, wave, kind DESC
    LIMIT $5
) AS outbox
WHERE pg_backend_pid() = $1
ORDER BY served.place, outbox.parent_id, outbox.wave, outbox.kind DESC
LIMIT $5;

-- ends_on_the_way: Read the reports of ends that wait to be applied, those of held subjects too.
SELECT message FROM inbox WHERE lane = ANY ($1::smallint[]) AND kind = $2 AND position($3::bytea IN message) > 0
UNION ALL
SELECT message FROM quarantine WHERE lane = ANY ($1::smallint[]) AND kind = $2 AND position($3::bytea IN message) > 0;

-- open_parents: Read open parent orders lane by lane, from behind an id in the first, and their legs in the outbox.
SELECT parent.*, ARRAY(
    SELECT leg
    FROM venue_outbox AS outbox
    CROSS JOIN LATERAL unnest(outbox.legs) AS leg
    WHERE outbox.lane = parent.lane AND outbox.venue_number = $2 AND outbox.parent_id = parent.id
) AS waiting_legs
FROM unnest($1::smallint[]) WITH ORDINALITY AS served (lane, place)
CROSS JOIN LATERAL (
    SELECT *
    FROM parent_orders
    WHERE parent_orders.lane = served.lane AND status IN ('NEW', 'PROCESSING')
        AND id > CASE WHEN served.place = 1 THEN $3 ELSE '00000000-0000-0000-0000-000000000000'::uuid END
    ORDER BY id
    LIMIT $4
) AS parent
ORDER BY served.place, parent.id
LIMIT $4;

-- answer: Take legs that the venue has answered for out of their rows; a row without any is deleted.
WITH answered AS (
    SELECT lane, parent_id, kind, array_agg(leg) AS legs
    FROM unnest($2::smallint[], $3::uuid[], $4::text[], $5::smallint[]) AS answer (lane, parent_id, kind, leg)
    GROUP BY lane, parent_id, kind
), deleted AS (
    DELETE FROM venue_outbox AS outbox
    USING answered
    WHERE outbox.lane = answered.lane AND outbox.venue_number = $1 AND outbox.parent_id = answered.parent_id
        AND outbox.kind = answered.kind AND outbox.legs <@ answered.legs
)
UPDATE venue_outbox AS outbox
SET legs = ARRAY(SELECT leg FROM unnest(outbox.legs) AS leg WHERE leg <> ALL (answered.legs))
FROM answered
WHERE outbox.lane = answered.lane AND outbox.venue_number = $1 AND outbox.parent_id = answered.parent_id
    AND outbox.kind = answered.kind AND outbox.legs && answered.legs AND NOT outbox.legs <@ answered.legs;

-- put_reports: Hand reports to the accounts of their parent orders, in this order; those of none keep the parent's id.
INSERT INTO inbox (lane, subject_id, kind, message, actor)
SELECT report.lane, coalesce(parent.account_id, report.parent_id), report.kind, report.message, $1
FROM unnest($2::smallint[], $3::uuid[], $4::text[], $5::bytea[]) WITH ORDINALITY
    AS report (lane, parent_id, kind, message, place)
LEFT JOIN parent_orders AS parent ON parent.lane = report.lane AND parent.id = report.parent_id
ORDER BY report.place;
