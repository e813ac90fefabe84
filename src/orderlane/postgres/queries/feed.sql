-- next_segments: Read the segments in front of a reader's places. Only lanes with something new are probed. $3 positions
-- are shared evenly by them; what some do not need goes to the others. A lane without a match gives one row without
-- segment. LIMIT keeps every lane's segments an index scan of their own: a plan made while the table was empty would join
-- by hash.
WITH pending AS MATERIALIZED (
    SELECT lane, position AS head, last_event_at AS head_time,
        ((($1::bigint[])[lane + 1] + 1) >> 12) - 1 AS after, ($2::timestamptz[])[lane + 1] AS after_time
    FROM lanes
    WHERE position >= (($1::bigint[])[lane + 1] + 1) >> 12
), shares AS MATERIALIZED (
    SELECT *, least(head, after + greatest(
        ceil($3::numeric / count(*) OVER ()), $3 - (sum(head - after) OVER () - (head - after))
    )::bigint) AS upto
    FROM pending
)
SELECT segment.created_at, share.lane, segment.position, segment.client_id::text AS client_id, segment.topics,
    segment.types, segment.ids::text[] AS ids, segment.payload_bytes, segment.payload, share.upto,
    CASE WHEN share.upto = share.head THEN share.head_time END AS head_time
FROM shares AS share
LEFT JOIN LATERAL (
    SELECT * FROM events
    WHERE lane = share.lane AND position > share.after AND position <= share.upto
        AND created_at >= share.after_time AND created_at <= share.head_time
        AND client_id = ANY ($4::uuid[])
        AND (topics && $5::text[] OR 'ALL' = ANY ($5::text[]))
        AND NOT topics <@ $6::text[]
    ORDER BY position
    LIMIT share.upto - share.after
) AS segment ON true
ORDER BY segment.created_at, share.lane, segment.position;

-- segments_between: Read the segments between two cursors' places, in the order in which their events are sent.
SELECT segment.created_at, segment.lane, segment.position, segment.client_id::text AS client_id, segment.topics,
    segment.types, segment.ids::text[] AS ids, segment.payload_bytes, segment.payload
FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS reach (after, after_time, upto, number)
JOIN LATERAL (
    SELECT * FROM events
    WHERE lane = reach.number - 1 AND position >= (reach.after + 1) >> 12 AND position <= reach.upto >> 12
        AND created_at >= reach.after_time
        AND client_id = $4
        AND (topics && $5::text[] OR 'ALL' = ANY ($5::text[]))
        AND NOT topics <@ $6::text[]
    ORDER BY position
    LIMIT (reach.upto >> 12) - (reach.after >> 12) + 1
) AS segment ON true
WHERE reach.upto > reach.after
ORDER BY segment.created_at, segment.lane, segment.position;

-- heads: Tell the place of every lane's head, by lane number.
SELECT array_agg((position << 12) + 4095 ORDER BY lane) AS places FROM lanes;
