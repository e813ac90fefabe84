-- clients: List every client, or the one with the id; the oldest first.
SELECT id, name, secret_hash, scopes, require_signatures, requests_per_minute, accepted_status, official_reasons,
    created_at, revoked_at
FROM clients WHERE $1::uuid IS NULL OR id = $1
ORDER BY created_at, id;

-- client_keys: List the public keys of every client, or of one; the oldest first.
SELECT client_id, key_id, public_key, created_at, expires_at, revoked_at
FROM client_keys WHERE $1::uuid IS NULL OR client_id = $1
ORDER BY created_at, key_id;

-- token_keys: List the keys that sign and verify access tokens, the newest first.
SELECT id, private_key, created_at, retired_at FROM signing_keys WHERE purpose = 'TOKEN' ORDER BY created_at DESC, id DESC;

-- ensure_token_key: Store a key that signs access tokens, unless there is one.
INSERT INTO signing_keys (id, purpose, private_key, created_at)
SELECT $1, 'TOKEN', $2, $3
WHERE NOT EXISTS (SELECT FROM signing_keys WHERE purpose = 'TOKEN' AND retired_at IS NULL);

-- add_client: Store a new client.
INSERT INTO clients (
    id, name, secret_hash, scopes, require_signatures, requests_per_minute, accepted_status, official_reasons, created_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- change_accepted_status: Write with which status a client's portfolio orders are accepted.
UPDATE clients SET accepted_status = $2 WHERE id = $1 RETURNING true;

-- add_client_key: Register a public key of a client, unless it has one of that id.
INSERT INTO client_keys (client_id, key_id, public_key, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING true;

-- revoke_client_key: Revoke a key for good, by the database's clock.
UPDATE client_keys SET revoked_at = coalesce(revoked_at, now()) WHERE client_id = $1 AND key_id = $2 RETURNING true;

-- revoke_client: Revoke a client for good, by the database's clock.
UPDATE clients SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING true;

-- use_nonces: Remember nonces; those that were new. In their order, so that concurrent processes cannot deadlock.
INSERT INTO used_nonces (client_id, nonce, expires_at)
SELECT client_id, nonce, expires_at FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS new (client_id, nonce, expires_at)
ORDER BY client_id, nonce
ON CONFLICT DO NOTHING
RETURNING client_id, nonce;
