-- cash_of_group: Read what each account of a client's account group holds of a currency; always a row if there is one.
SELECT account_group.id AS account_group_id, held.*
FROM account_groups AS account_group
LEFT JOIN accounts AS account ON account.lane = $1 AND account.account_group_id = account_group.id
LEFT JOIN holdings AS held
    ON held.lane = account.lane AND held.account_id = account.id AND held.asset = $4
WHERE account_group.id = $2 AND account_group.client_id = $3;

-- balance: Read how much of a currency an account has.
SELECT quantity FROM holdings WHERE lane = $1 AND account_id = $2 AND asset = $3 AND asset_type = 'CASH';

-- owns_account: Tell whether a client has an account.
SELECT EXISTS (SELECT FROM accounts WHERE lane = $1 AND id = $2 AND client_id = $3);

-- list_positions: Read a page of what an account holds of instruments; always a row, with the count of all of it.
WITH matching AS NOT MATERIALIZED (
    SELECT held.*, held.asset AS isin, instrument.id
    FROM accounts AS account
    JOIN holdings AS held ON held.lane = account.lane AND held.account_id = account.id
    JOIN instruments AS instrument ON instrument.isin = held.asset
    WHERE account.lane = $4 AND account.id = $5 AND account.client_id = $1
        AND held.asset_type = 'INSTRUMENT' AND held.quantity <> 0
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- priced_positions: Read what an account holds of instruments, with their last prices.
SELECT held.*, instrument.id, instrument.price, instrument.currency, instrument.updated_at AS price_time
FROM holdings AS held
JOIN instruments AS instrument ON instrument.isin = held.asset
WHERE held.lane = $1 AND held.account_id = $2 AND held.asset_type = 'INSTRUMENT' AND held.quantity <> 0
ORDER BY held.asset;

-- get_position: Read what a client's account holds of one instrument.
SELECT held.*, instrument.id
FROM accounts AS account
JOIN holdings AS held ON held.lane = account.lane AND held.account_id = account.id
JOIN instruments AS instrument ON instrument.isin = held.asset
WHERE account.lane = $1 AND account.id = $2 AND account.client_id = $3 AND held.asset = $4
    AND held.asset_type = 'INSTRUMENT' AND held.quantity <> 0;
