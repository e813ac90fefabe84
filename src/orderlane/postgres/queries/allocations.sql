-- add_allocation: Store a new allocation.
INSERT INTO allocations (id, client_id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4);

-- change_allocation: Store another name of an allocation.
UPDATE allocations SET name = $2, updated_at = $3 WHERE id = $1;

-- remove_weights: Take all weights off an allocation.
DELETE FROM allocation_weights WHERE allocation_id = $1;

-- add_weights: Store the weights of an allocation in their order.
INSERT INTO allocation_weights (allocation_id, entry, isin, weight)
SELECT $1, number, isin, weight
FROM unnest($2::text[], $3::numeric[]) WITH ORDINALITY AS entry (isin, weight, number);

-- lock_allocation: Lock one allocation of a client, which nobody else changes until the transaction ends.
SELECT id FROM allocations WHERE client_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- get_allocation: Read one allocation of a client, with its weights in their order.
SELECT allocation.*, ARRAY(
    SELECT part FROM allocation_weights AS part WHERE part.allocation_id = allocation.id ORDER BY part.entry
) AS weights
FROM allocations AS allocation
WHERE allocation.client_id = $1 AND allocation.id = $2;

-- list_allocations: Read a page of a client's allocations with their weights; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT *
    FROM allocations AS allocation
    WHERE client_id = $1
        AND ($4::timestamptz IS NULL OR created_at >= $4)
        AND ($5::timestamptz IS NULL OR created_at < $5)
        AND NOT EXISTS (
            SELECT FROM unnest($6::text[]) AS wanted (instrument_id)
            WHERE NOT EXISTS (
                SELECT
                FROM allocation_weights AS entry
                JOIN instruments AS instrument USING (isin)
                WHERE entry.allocation_id = allocation.id
                    AND wanted.instrument_id IN (instrument.isin, instrument.id::text)
            )
        )
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*, ARRAY(
    SELECT part FROM allocation_weights AS part WHERE part.allocation_id = page.id ORDER BY part.entry
) AS weights
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- has_allocation: Tell whether a client has an allocation.
SELECT EXISTS (SELECT FROM allocations WHERE client_id = $1 AND id = $2);

-- list_allocation_accounts: Read a page of the accounts that follow an allocation; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT account.*
    FROM portfolio_configurations AS configuration
    JOIN accounts AS account ON account.lane = configuration.lane AND account.id = configuration.account_id
    WHERE configuration.client_id = $1 AND configuration.allocation_id = $4
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
