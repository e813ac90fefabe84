-- add_account: Store a new account.
INSERT INTO accounts (
    lane, id, client_id, user_id, account_group_id, type, status, name, currency, distribution, account_number,
    created_at, updated_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12);

-- last_number: Read the number of the latest account of a group, 0 when it has none.
SELECT coalesce(max(account_number), 0) FROM accounts WHERE lane = $1 AND account_group_id = $2;

-- has_open_account: Tell whether one of the groups has an account that is not closed.
SELECT EXISTS (
    SELECT
    FROM unnest($1::smallint[], $2::uuid[]) AS account_group (lane, id)
    JOIN accounts AS account ON account.lane = account_group.lane AND account.account_group_id = account_group.id
    WHERE account.status <> 'CLOSED'
);

-- get_account: Read one account of a client.
SELECT * FROM accounts WHERE lane = $1 AND id = $2 AND client_id = $3;

-- list_accounts: Read a page of a client's accounts, or of a user's or a group's; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT *
    FROM accounts
    WHERE client_id = $1
        AND ($4::uuid IS NULL OR user_id = $4)
        AND ($5::uuid IS NULL OR account_group_id = $5)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
