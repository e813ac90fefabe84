-- sample: Read the database's clock, and the business time of that moment.
SELECT now, now + coalesce((SELECT clock_offset FROM installation), interval '0') AS business_now
FROM clock_timestamp() AS now;
