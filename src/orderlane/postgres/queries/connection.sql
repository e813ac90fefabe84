-- array_types: Name every array type that statements take; a driver that has seen them need not ask for them later.
SELECT $1::uuid[], $2::text[], $3::numeric[], $4::timestamptz[], $5::jsonb[], $6::bytea[], $7::smallint[], $8::integer[],
    $9::bigint[], $10::boolean[], $11::date[];
