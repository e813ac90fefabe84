-- add_configuration: Store a new configuration, unless the account has one.
INSERT INTO portfolio_configurations (lane, account_id, client_id, allocation_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT DO NOTHING
RETURNING true;

-- change_configuration: Store another allocation of a configuration.
UPDATE portfolio_configurations SET allocation_id = $3, updated_at = $4 WHERE lane = $1 AND account_id = $2;

-- remove_configuration: Remove a client's configuration of an account.
DELETE FROM portfolio_configurations WHERE lane = $1 AND account_id = $2 AND client_id = $3 RETURNING true;

-- get_configuration: Read one configuration of a client.
SELECT * FROM portfolio_configurations WHERE lane = $1 AND account_id = $2 AND client_id = $3;

-- get_configuration_to_change: Read one configuration of a client, which nobody else changes until the transaction ends.
SELECT * FROM portfolio_configurations WHERE lane = $1 AND account_id = $2 AND client_id = $3 FOR NO KEY UPDATE;

-- list_configurations: Read a page of a client's configurations; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT *, account_id AS id FROM portfolio_configurations WHERE client_id = $1
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- list_configurations_of_allocation: Read a page of a client's configurations that name an allocation; always a row,
-- with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT *, account_id AS id FROM portfolio_configurations WHERE client_id = $1 AND allocation_id = $4
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
