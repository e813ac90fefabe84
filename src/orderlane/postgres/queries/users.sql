-- add_user: Store a new user.
INSERT INTO users (id, client_id, details, status, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5);

-- get_user: Read one user of a client.
SELECT id, client_id, details, status, created_at, updated_at FROM users WHERE client_id = $1 AND id = $2;

-- get_user_to_change: Read one user of a client, whom nobody else changes until the transaction ends.
SELECT id, client_id, details, status, created_at, updated_at FROM users WHERE client_id = $1 AND id = $2
FOR NO KEY UPDATE;

-- lock_user: Read the status of a client's user, which nobody changes until the transaction ends.
SELECT status FROM users WHERE client_id = $1 AND id = $2 FOR SHARE;

-- change_user: Store the status of a user.
UPDATE users SET status = $2, updated_at = $3 WHERE id = $1;

-- list_users: Read a page of a client's users; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT id, client_id, details, status, created_at, updated_at FROM users WHERE client_id = $1
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- add_account_group: Store a new account group; its number.
INSERT INTO account_groups (id, client_id, user_id, type, status, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
RETURNING securities_account_number;

-- get_account_group: Read one account group of a client.
SELECT * FROM account_groups WHERE client_id = $1 AND id = $2;

-- lock_account_group: Read one account group of a client, to which nobody else adds accounts until the transaction ends.
SELECT * FROM account_groups WHERE client_id = $1 AND id = $2 FOR UPDATE;

-- group_ids_of_user: List the account groups of a user.
SELECT id FROM account_groups WHERE user_id = $1;

-- list_account_groups: Read a page of a client's account groups, or of one user's; always a row, with the count of all.
WITH matching AS NOT MATERIALIZED (
    SELECT * FROM account_groups WHERE client_id = $1 AND ($4::uuid IS NULL OR user_id = $4)
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};
