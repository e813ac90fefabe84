-- Statements for the check of lanes. Each begins with the rule that it breaks and the relations that break it, or OK.

-- OK
SELECT * FROM inbox WHERE lane = $1;

-- OK
SELECT * FROM inbox WHERE $1::smallint = inbox.lane AND id > $2;

-- OK
SELECT * FROM inbox AS message WHERE lane = ANY ($1::smallint[]) AND id <> ALL ($2);

-- OK
SELECT * FROM inbox WHERE lane IN ($1, $2);

-- OK
SELECT * FROM inbox WHERE (lane, id) = ($1, $2);

-- OK
SELECT * FROM inbox WHERE (lane, id) IN (($1, $2), ($3, $4));

-- OK
SELECT * FROM inbox WHERE (lane, id) IN (SELECT * FROM unnest($1::smallint[], $2::bigint[]));

-- OK
SELECT * FROM inbox WHERE lane = (SELECT max(wanted) FROM unnest($1::smallint[]) AS wanted);

-- OK
SELECT * FROM event_log WHERE lane = $1;

-- OK
SELECT * FROM lanes WHERE lane = $1;

-- OK
SELECT * FROM clients, notes WHERE clients.id = notes.id;

-- OK
SELECT * FROM accounts JOIN inbox ON inbox.lane = accounts.lane AND inbox.subject_id = accounts.id
    WHERE accounts.lane = $1;

-- OK
SELECT * FROM accounts JOIN inbox USING (lane) WHERE lane = $1;

-- OK
SELECT * FROM accounts JOIN inbox USING (lane, id) JOIN quarantine USING (lane, id) WHERE quarantine.lane = $1;

-- OK
SELECT * FROM accounts, inbox WHERE (accounts.lane, accounts.id) = (inbox.lane, inbox.subject_id)
    AND inbox.lane = $1;

-- OK
SELECT * FROM accounts LEFT JOIN inbox ON inbox.lane = accounts.lane WHERE accounts.lane = $1;

-- OK
SELECT * FROM inbox RIGHT JOIN accounts ON inbox.lane = accounts.lane WHERE accounts.lane = $1;

-- OK
SELECT * FROM accounts JOIN unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id) USING (lane, id);

-- OK
SELECT * FROM unnest($1::smallint[]) AS place JOIN accounts ON accounts.lane = place;

-- OK
SELECT * FROM unnest($1::smallint[]) WITH ORDINALITY AS reach (n, m) JOIN accounts ON accounts.lane = reach.m - 1;

-- OK
SELECT * FROM json_populate_recordset(NULL::inbox, $1) AS row JOIN accounts ON accounts.lane = row.lane;

-- OK
SELECT * FROM accounts JOIN inbox ON inbox.lane = $1 AND inbox.subject_id = accounts.id WHERE accounts.lane = $1;

-- OK
SELECT * FROM (SELECT lane, id FROM accounts WHERE lane = $1) AS a JOIN inbox ON inbox.lane = a.lane;

-- OK
SELECT count(*), ARRAY(SELECT id FROM inbox WHERE inbox.lane = a.lane) FROM accounts AS a WHERE a.lane = $1;

-- OK
SELECT * FROM inbox AS m WHERE lane = $1
    AND NOT EXISTS (SELECT FROM quarantine AS q WHERE q.lane = m.lane AND q.id = m.id);

-- OK
SELECT * FROM accounts AS a WHERE lane = $1 AND (lane, id) IN (SELECT lane, subject_id FROM inbox WHERE lane = $1);

-- OK
SELECT * FROM accounts WHERE lane = ANY ($1)
    AND (lane, id) IN (SELECT lane, subject_id FROM inbox WHERE lane = ANY ($1));

-- OK
SELECT (SELECT count(*) FROM inbox WHERE lane = $1) + (SELECT count(*) FROM quarantine WHERE lane = $1);

-- OK
SELECT id FROM inbox WHERE lane = $1 UNION ALL SELECT id FROM quarantine WHERE lane = $1;

-- OK
SELECT * FROM unnest($1::smallint[]) AS place, LATERAL (SELECT * FROM inbox WHERE lane = place LIMIT 1) AS message;

-- OK
SELECT * FROM lanes JOIN LATERAL (SELECT id FROM inbox WHERE lane = lanes.lane LIMIT 1) AS m ON true
    WHERE lanes.lane = $1;

-- OK
SELECT * FROM lanes JOIN LATERAL (SELECT * FROM inbox WHERE lane = lanes.lane LIMIT 1) AS m ON true
    WHERE lanes.lane = $1;

-- OK
SELECT * FROM events AS s, unnest(s.ids) AS id WHERE s.lane = $1;

-- OK
WITH m AS (DELETE FROM inbox WHERE lane = $1 AND id = $2 RETURNING *)
    INSERT INTO quarantine (lane, id) SELECT lane, id FROM m;

-- OK
WITH a AS NOT MATERIALIZED (SELECT * FROM accounts WHERE lane = $1)
    SELECT * FROM (VALUES (1)) AS v LEFT JOIN a ON true;

-- OK
WITH a AS (SELECT * FROM accounts WHERE lane = $1), b AS (SELECT * FROM a JOIN inbox USING (lane)) SELECT * FROM b;

-- OK
WITH w (place) AS (SELECT unnest($1::smallint[])) SELECT * FROM w JOIN inbox ON inbox.lane = place;

-- OK
WITH RECURSIVE r AS (
    SELECT lane, id FROM inbox WHERE lane = $1 UNION SELECT i.lane, i.id FROM r JOIN inbox AS i USING (lane)
) SELECT * FROM r;

-- OK
INSERT INTO inbox (id, lane) VALUES ($1, $2) ON CONFLICT (lane, id) DO UPDATE SET kind = excluded.kind RETURNING id;

-- OK
INSERT INTO inbox (lane, id) SELECT lane, id FROM unnest($1::smallint[], $2::bigint[]) AS m (lane, id);

-- OK
INSERT INTO inbox SELECT * FROM json_populate_recordset(NULL::inbox, $1);

-- OK
INSERT INTO inbox SELECT row.* FROM jsonb_populate_recordset(NULL::inbox, $1) AS row;

-- OK
UPDATE inbox SET kind = new.kind FROM unnest($1::smallint[], $2::text[]) AS new (lane, kind)
    WHERE inbox.lane = new.lane;

-- OK
UPDATE inbox AS m SET kind = $3 WHERE lane = $1 AND id = $2;

-- OK
DELETE FROM inbox USING unnest($1::smallint[], $2::bigint[]) AS done (lane, id)
    WHERE (inbox.lane, inbox.id) = (done.lane, done.id);

-- OK
DELETE FROM inbox USING quarantine AS q WHERE inbox.lane = q.lane AND inbox.id = q.id AND q.lane = $1;

-- OK
DELETE FROM clients WHERE id = $1;

-- OK
LOCK TABLE clients IN SHARE MODE;

-- NAMED inbox
SELECT * FROM inbox;

-- NAMED inbox
SELECT * FROM inbox WHERE id = $1;

-- NAMED inbox
SELECT lane FROM inbox ORDER BY lane;

-- NAMED inbox
SELECT lane, count(*) FROM inbox GROUP BY lane HAVING lane = 1;

-- NAMED inbox
SELECT * FROM inbox WHERE lane = $1 OR id = $2;

-- NAMED inbox
SELECT * FROM inbox WHERE $1::smallint IS NULL OR lane = $1;

-- NAMED inbox
SELECT * FROM inbox WHERE NOT lane = $1;

-- NAMED inbox
SELECT * FROM inbox WHERE lane <> $1;

-- NAMED inbox
SELECT * FROM inbox WHERE lane >= $1 AND lane <= $2;

-- NAMED inbox
SELECT * FROM inbox WHERE lane <> ALL ($1);

-- NAMED inbox
SELECT * FROM inbox WHERE lane NOT IN ($1, $2);

-- NAMED inbox
SELECT * FROM inbox WHERE lane = lane;

-- NAMED inbox
SELECT * FROM inbox WHERE lane = coalesce($1, lane);

-- NAMED inbox
SELECT * FROM inbox WHERE lane = id;

-- NAMED inbox
SELECT * FROM inbox WHERE id = lane AND id = $1;

-- NAMED event_log
SELECT * FROM event_log WHERE id = $1;

-- NAMED events_default
SELECT * FROM events_default WHERE position = $1;

-- NAMED lanes
SELECT * FROM lanes;

-- NAMED accounts
SELECT * FROM clients JOIN accounts ON accounts.client_id = clients.id;

-- NAMED accounts
SELECT * FROM accounts LEFT JOIN inbox ON inbox.lane = accounts.lane AND accounts.lane = $1;

-- NAMED a
SELECT * FROM accounts AS a FULL JOIN inbox AS i ON i.lane = a.lane AND a.lane = $1 WHERE i.lane = $1;

-- NAMED accounts
SELECT * FROM unnest($1::smallint[]) AS wanted (lane) LEFT JOIN accounts ON accounts.id = $2;

-- NAMED accounts
SELECT * FROM accounts CROSS JOIN unnest($1::smallint[]) AS wanted (lane) WHERE wanted.lane = $2;

-- NAMED accounts
SELECT * FROM (SELECT * FROM accounts) AS a WHERE a.lane = $1;

-- NAMED inbox
SELECT (SELECT count(*) FROM inbox);

-- NAMED inbox
SELECT ARRAY(SELECT id FROM inbox);

-- NAMED accounts
SELECT * FROM clients WHERE EXISTS (SELECT FROM accounts WHERE client_id = clients.id);

-- NAMED lanes
SELECT * FROM inbox WHERE lane IN (SELECT lane FROM lanes);

-- NAMED accounts
SELECT * FROM clients ORDER BY (SELECT count(*) FROM accounts);

-- NAMED quarantine
SELECT id FROM inbox WHERE lane = $1 UNION ALL SELECT id FROM quarantine;

-- NAMED inbox
SELECT CASE WHEN (SELECT max(id) FROM inbox) > 1 THEN 1 END;

-- NAMED inbox
SELECT * FROM unnest(ARRAY(SELECT id FROM inbox)) AS id;

-- NAMED inbox
SELECT * FROM clients JOIN LATERAL (SELECT * FROM inbox LIMIT 1) AS message ON true;

-- NAMED inbox
SELECT * FROM lanes JOIN LATERAL (SELECT id FROM inbox WHERE inbox.lane = lanes.lane LIMIT 1) AS m ON true;

-- NAMED accounts
WITH a AS (SELECT * FROM accounts) SELECT * FROM a WHERE lane = $1;

-- NAMED accounts
WITH a AS (SELECT * FROM accounts) SELECT 1;

-- NAMED inbox
WITH a AS (DELETE FROM inbox WHERE id = $1 RETURNING lane) SELECT * FROM a;

-- NAMED inbox
WITH a AS (SELECT 1) SELECT * FROM inbox, a;

-- NAMED inbox
UPDATE inbox SET kind = $1;

-- NAMED inbox
UPDATE inbox SET lane = $1 WHERE id = $2;

-- NAMED inbox
UPDATE inbox SET kind = new.kind FROM unnest($1::bigint[], $2::text[]) AS new (id, kind) WHERE inbox.id = new.id;

-- NAMED accounts
UPDATE clients SET name = '' WHERE EXISTS (SELECT FROM accounts);

-- NAMED inbox
DELETE FROM inbox WHERE id = ANY ($1);

-- NAMED inbox
DELETE FROM inbox USING unnest($1::bigint[]) AS done (id) WHERE inbox.id = done.id;

-- NAMED accounts
DELETE FROM clients RETURNING (SELECT count(*) FROM accounts);

-- NAMED quarantine
INSERT INTO inbox (lane, id) SELECT lane, id FROM quarantine;

-- NAMED accounts
INSERT INTO clients (id) VALUES ($1) RETURNING (SELECT count(*) FROM accounts);

-- JOINED a, i
SELECT * FROM accounts AS a, inbox AS i WHERE a.lane = ANY ($1) AND i.lane = ANY ($1);

-- JOINED a, i
SELECT * FROM accounts AS a JOIN inbox AS i ON i.subject_id = a.id WHERE a.lane = $1 AND i.lane = $2;

-- JOINED a, i
SELECT * FROM accounts AS a JOIN inbox AS i ON i.lane = $1 OR i.lane = a.lane WHERE a.lane = 1 AND i.lane = 2;

-- JOINED a, i
WITH a AS (SELECT * FROM accounts WHERE lane = ANY ($1)) SELECT * FROM a JOIN inbox AS i ON i.lane = ANY ($1);

-- JOINED m, q
SELECT * FROM inbox AS m WHERE lane = ANY ($1)
    AND NOT EXISTS (SELECT FROM quarantine AS q WHERE q.lane = ANY ($1) AND q.subject_id = m.subject_id);

-- JOINED a, i
SELECT * FROM accounts AS a WHERE lane = $1 AND id IN (SELECT subject_id FROM inbox AS i WHERE lane = $2);

-- JOINED a, inbox
SELECT * FROM accounts AS a, LATERAL (SELECT kind FROM inbox WHERE lane = $2 AND subject_id = a.id) AS i
    WHERE a.lane = $1;

-- JOINED i, q
DELETE FROM inbox AS i USING quarantine AS q WHERE i.lane = ANY ($1) AND q.lane = ANY ($1) AND i.id = q.id;

-- JOINED a, i
UPDATE inbox AS i SET kind = '' FROM accounts AS a WHERE i.lane = $1 AND a.lane = $2 AND a.id = i.subject_id;

-- INSERTED inbox
INSERT INTO inbox (id, kind) VALUES ($1, $2);

-- INSERTED inbox
INSERT INTO inbox VALUES ($1, $2);

-- INSERTED inbox
INSERT INTO inbox DEFAULT VALUES;

-- INSERTED inbox
INSERT INTO inbox (id) SELECT id FROM unnest($1::bigint[]) AS m (id);

-- INSERTED inbox
INSERT INTO inbox SELECT * FROM unnest($1::smallint[], $2::bigint[]);

-- INSERTED inbox
WITH made AS (INSERT INTO inbox (id) VALUES ($1) RETURNING lane) SELECT lane FROM made;

-- READABLE inbox
LOCK TABLE inbox IN SHARE MODE;

-- READABLE inbox
TRUNCATE inbox;

-- READABLE inbox
MERGE INTO inbox USING clients ON false WHEN MATCHED THEN DELETE;
