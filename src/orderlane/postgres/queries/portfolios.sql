-- named_instruments: the instruments that an allocation names, by ISIN or by id, and the currency that accounts are in.
SELECT instrument.isin, instrument.id, instrument.trading_status, instrument.currency,
    installation.currency AS account_currency
FROM instruments AS instrument
CROSS JOIN installation
WHERE instrument.isin = ANY ($1::text[]) OR instrument.id = ANY ($2::uuid[]);

-- add_allocation: store a new allocation.
INSERT INTO allocations (id, client_id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) RETURNING *;

-- rename_allocation: change an allocation, which nobody else changes until the transaction ends.
UPDATE allocations SET name = $3, updated_at = $4 WHERE client_id = $1 AND id = $2 RETURNING *;

-- remove_weights: take all weights off an allocation.
DELETE FROM allocation_weights WHERE allocation_id = $1;

-- add_weights: store the weights of an allocation in their order.
INSERT INTO allocation_weights (allocation_id, entry, isin, weight)
SELECT $1, number, isin, weight
FROM unnest($2::text[], $3::numeric[]) WITH ORDINALITY AS given (isin, weight, number);

-- get_allocation: one allocation of a client, with its weights in their order.
SELECT allocation.*, ARRAY(
    SELECT one_weight FROM allocation_weights AS one_weight WHERE one_weight.allocation_id = allocation.id ORDER BY one_weight.entry
) AS weights
FROM allocations AS allocation
WHERE allocation.client_id = $1 AND allocation.id = $2;

-- list_allocations: a page of a client's allocations with their weights; always a row, with the count of all of them.
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
    SELECT one_weight FROM allocation_weights AS one_weight WHERE one_weight.allocation_id = page.id ORDER BY one_weight.entry
) AS weights
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- owns_allocation: whether a client has an allocation.
SELECT true FROM allocations WHERE client_id = $1 AND id = $2;

-- list_allocation_accounts: a page of the accounts that follow an allocation; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT account.*
    FROM portfolio_configurations AS configuration
    JOIN accounts AS account ON account.id = configuration.account_id
    WHERE configuration.client_id = $1 AND configuration.allocation_id = $4
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- account_type: the type of a client's account.
SELECT type FROM accounts WHERE client_id = $1 AND id = $2;

-- add_configuration: store a new configuration, unless the account has one.
INSERT INTO portfolio_configurations (account_id, client_id, allocation_id, created_at, updated_at)
VALUES ($2, $1, $3, $4, $4)
ON CONFLICT DO NOTHING
RETURNING *;

-- change_configuration: have an account follow another allocation.
UPDATE portfolio_configurations SET allocation_id = $3, updated_at = $4
WHERE client_id = $1 AND account_id = $2
RETURNING *;

-- remove_configuration: have an account follow none.
DELETE FROM portfolio_configurations WHERE client_id = $1 AND account_id = $2 RETURNING true;

-- get_configuration: one configuration of a client.
SELECT * FROM portfolio_configurations WHERE client_id = $1 AND account_id = $2;

-- list_configurations: a page of a client's configurations, or of an allocation's; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT *, account_id AS id
    FROM portfolio_configurations
    WHERE client_id = $1 AND ($4::uuid IS NULL OR allocation_id = $4)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
