-- cash_of_group: the currency of the installation, and the cash in it of every account of a client's account group.
SELECT account_group.id AS account_group_id, installation.currency, held.*
FROM account_groups AS account_group
CROSS JOIN installation
LEFT JOIN accounts AS account ON account.account_group_id = account_group.id
LEFT JOIN holdings AS held
    ON held.account_id = account.id AND held.lane = account.lane AND held.asset = installation.currency
WHERE account_group.client_id = $1 AND account_group.id = $2;

-- account_currency: the currency of a client's account.
SELECT currency FROM accounts WHERE client_id = $1 AND id = $2;

-- list_positions: a page of what an account holds of instruments; always a row, with the count of all of it.
WITH matching AS NOT MATERIALIZED (
    SELECT held.*, held.asset AS isin, instrument.id
    FROM accounts AS account
    JOIN holdings AS held ON held.account_id = account.id AND held.lane = account.lane
    JOIN instruments AS instrument ON instrument.isin = held.asset
    WHERE account.client_id = $1 AND account.id = $4 AND held.asset_type = 'INSTRUMENT' AND held.quantity <> 0
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- priced_positions: what an account holds of instruments, with their last prices.
SELECT held.*, instrument.id, instrument.price, instrument.currency, instrument.updated_at AS price_time
FROM holdings AS held
JOIN instruments AS instrument ON instrument.isin = held.asset
WHERE held.account_id = $1 AND held.asset_type = 'INSTRUMENT' AND held.quantity <> 0
ORDER BY held.asset;

-- get_position: what a client's account holds of one instrument.
SELECT held.*, instrument.id
FROM accounts AS account
JOIN holdings AS held ON held.account_id = account.id AND held.lane = account.lane
JOIN instruments AS instrument ON instrument.isin = held.asset
WHERE account.client_id = $1 AND account.id = $2 AND held.asset = $3 AND held.asset_type = 'INSTRUMENT'
    AND held.quantity <> 0;
