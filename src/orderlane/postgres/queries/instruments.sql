-- get_instrument: Read one instrument by its ISIN or its id, with its venue or the default one.
SELECT instrument.isin, instrument.id, instrument.wkn, instrument.name, instrument.currency, instrument.minimum_amount,
    instrument.fractional, instrument.trading_status, instrument.price, instrument.created_at, instrument.updated_at,
    venue.id AS venue_id, venue.number AS venue_number, venue.name AS venue_name
FROM instruments AS instrument
JOIN venues AS venue ON venue.id = coalesce(instrument.venue_id, (SELECT id FROM venues WHERE is_default))
WHERE instrument.isin = $1 OR instrument.id = $2;

-- named_instruments: Read the instruments of these ISINs and ids, each with its venue or the default one.
SELECT instrument.isin, instrument.id, instrument.wkn, instrument.name, instrument.currency, instrument.minimum_amount,
    instrument.fractional, instrument.trading_status, instrument.price, instrument.created_at, instrument.updated_at,
    venue.id AS venue_id, venue.number AS venue_number, venue.name AS venue_name
FROM instruments AS instrument
JOIN venues AS venue ON venue.id = coalesce(instrument.venue_id, (SELECT id FROM venues WHERE is_default))
WHERE instrument.isin = ANY ($1::text[]) OR instrument.id = ANY ($2::uuid[]);

-- list_instruments: Read a page of the instruments with their venues; always a row, with the count of all of them.
WITH matching AS NOT MATERIALIZED (
    SELECT instrument.isin, instrument.id, instrument.wkn, instrument.name, instrument.currency, instrument.minimum_amount,
        instrument.fractional, instrument.trading_status, instrument.price, instrument.created_at, instrument.updated_at,
        venue.id AS venue_id, venue.number AS venue_number, venue.name AS venue_name
    FROM instruments AS instrument
    JOIN venues AS venue ON venue.id = coalesce(instrument.venue_id, (SELECT id FROM venues WHERE is_default))
    WHERE $1::uuid IS NULL
), page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT $2 OFFSET $3
)
SELECT (SELECT count(*) FROM matching) AS total_count, page.*
FROM (VALUES (1)) AS always LEFT JOIN page ON true
ORDER BY {order};

-- venues: List every venue, the default one first.
SELECT id, number, name FROM venues ORDER BY is_default DESC, number;

-- load_instruments: Add what is new, change what is different; a row for each of the two, which tells the one from the other.
INSERT INTO instruments AS known (
    isin, id, wkn, name, currency, minimum_amount, fractional, trading_status, price, venue_id, created_at, updated_at
)
SELECT entry.isin, entry.id, entry.wkn, entry.name, entry.currency, entry.minimum_amount, entry.fractional,
    entry.trading_status, entry.price, venue.id, $11, $11
FROM unnest(
    $1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::boolean[], $8::text[],
    $9::numeric[], $10::text[]
) AS entry (isin, id, wkn, name, currency, minimum_amount, fractional, trading_status, price, venue)
LEFT JOIN venues AS venue ON venue.name = entry.venue
ON CONFLICT (isin) DO UPDATE
SET wkn = excluded.wkn, name = excluded.name, currency = excluded.currency, minimum_amount = excluded.minimum_amount,
    fractional = excluded.fractional, trading_status = excluded.trading_status, price = excluded.price,
    venue_id = excluded.venue_id, updated_at = excluded.updated_at
WHERE (
    known.wkn, known.name, known.currency, known.minimum_amount, known.fractional, known.trading_status, known.price,
    known.venue_id
) IS DISTINCT FROM (
    excluded.wkn, excluded.name, excluded.currency, excluded.minimum_amount, excluded.fractional,
    excluded.trading_status, excluded.price, excluded.venue_id
)
RETURNING known.id = ANY ($2) AS is_new;
