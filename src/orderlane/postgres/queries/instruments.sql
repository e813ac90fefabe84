-- get_instrument: one instrument by its ISIN or its id.
SELECT * FROM instruments WHERE isin = $1 OR id = $2;

-- list_instruments: a page of the instruments; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT * FROM instruments WHERE $1::uuid IS NULL
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- load_instruments: add what is new, change what is different; a row for each of the two, telling which.
INSERT INTO instruments AS known (
    isin, id, wkn, name, currency, minimum_amount, fractional, trading_status, price, created_at, updated_at
)
SELECT *, $10, $10
FROM unnest(
    $1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::boolean[], $8::text[], $9::numeric[]
)
ON CONFLICT (isin) DO UPDATE
SET wkn = excluded.wkn, name = excluded.name, currency = excluded.currency, minimum_amount = excluded.minimum_amount,
    fractional = excluded.fractional, trading_status = excluded.trading_status, price = excluded.price,
    updated_at = excluded.updated_at
WHERE (known.wkn, known.name, known.currency, known.minimum_amount, known.fractional, known.trading_status, known.price)
    IS DISTINCT FROM (
        excluded.wkn, excluded.name, excluded.currency, excluded.minimum_amount, excluded.fractional,
        excluded.trading_status, excluded.price
    )
RETURNING known.id = ANY ($2) AS is_new;
