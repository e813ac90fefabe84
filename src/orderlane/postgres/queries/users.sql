-- add_user: Store a new user.
INSERT INTO users (id, client_id, details, status, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5);

-- get_user: One user of a client.
SELECT id, details, status, created_at, updated_at FROM users WHERE client_id = $1 AND id = $2;

-- list_users: A page of a client's users; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT id, details, status, created_at, updated_at FROM users WHERE client_id = $1
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- offboard_user: End the relation with a user, or begin to end it while there is an account.
UPDATE users
SET status = CASE
        WHEN EXISTS (SELECT FROM accounts WHERE accounts.user_id = users.id AND accounts.status <> 'CLOSED') THEN 'OFFBOARDING'
        ELSE 'OFFBOARDED'
    END,
    updated_at = $3
WHERE client_id = $1 AND id = $2
RETURNING id;

-- lock_user: The status of a client's user, who stays as he is until the transaction ends.
SELECT status FROM users WHERE client_id = $1 AND id = $2 FOR SHARE;

-- add_account_group: Store a new account group; its number.
INSERT INTO account_groups (id, client_id, user_id, type, status, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
RETURNING securities_account_number;

-- get_account_group: One account group of a client.
SELECT id, user_id, type, status, securities_account_number, created_at, updated_at
FROM account_groups WHERE client_id = $1 AND id = $2;

-- list_account_groups: A page of a client's account groups, or of one user's; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT id, user_id, type, status, securities_account_number, created_at, updated_at
    FROM account_groups WHERE client_id = $1 AND ($4::uuid IS NULL OR user_id = $4)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
