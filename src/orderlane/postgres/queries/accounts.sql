-- installation: what is fixed for the whole installation.
SELECT lane_count, currency FROM installation;

-- lock_account_group: an account group of a client; it stays as it is, and its numbers are ours, until the transaction ends.
SELECT status, user_id FROM account_groups WHERE client_id = $1 AND id = $2 FOR UPDATE;

-- add_account: store a new account with the next number of its group.
INSERT INTO accounts (
    id, lane, client_id, user_id, account_group_id, type, status, name, currency, distribution, account_number,
    created_at, updated_at
)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(max(account_number), 0) + 1, $11, $11
FROM accounts WHERE account_group_id = $5
RETURNING *;

-- get_account: one account of a client.
SELECT * FROM accounts WHERE client_id = $1 AND id = $2;

-- list_accounts: a page of a client's accounts, or of a user's or a group's; always a row, with the count of all of them.
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
