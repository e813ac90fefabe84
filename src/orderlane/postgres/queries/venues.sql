-- list_venues: List the venues, the default one first.
SELECT id, number, name FROM venues ORDER BY is_default DESC, number;

-- venue_named: Find a venue by its name.
SELECT id, number, name FROM venues WHERE name = $1;

-- lock_venues: Keep others from registering venues until the transaction ends.
LOCK TABLE venues IN SHARE ROW EXCLUSIVE MODE;

-- register_venues: Insert the venues that are missing; the first one is the default if there is none.
INSERT INTO venues (id, name, is_default, created_at)
SELECT new.id, new.name, new.place = 1 AND NOT EXISTS (SELECT FROM venues WHERE is_default), $3
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS new (id, name, place)
WHERE NOT EXISTS (SELECT FROM venues WHERE venues.name = new.name)
ORDER BY new.place;
