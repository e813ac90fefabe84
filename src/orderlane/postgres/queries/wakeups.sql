-- notify: Wake the listeners of the channels.
SELECT pg_notify(channel, '') FROM unnest($1::text[]) AS channel;
