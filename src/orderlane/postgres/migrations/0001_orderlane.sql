-- The first schema: installation, clients, master data, lanes and all that belongs to one, events, webhook delivery.
-- Every table of a lane begins its key with `lane`, so that the schema can be distributed by it.

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    lane_count smallint NOT NULL CHECK (lane_count BETWEEN 1 AND 1024 AND lane_count & (lane_count - 1) = 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    development boolean NOT NULL,
    clock_offset interval NOT NULL DEFAULT '0',
    created_at timestamptz NOT NULL,
    CONSTRAINT only_a_development_clock_moves CHECK (clock_offset = '0' OR development AND clock_offset > '0')
);
COMMENT ON TABLE installation IS 'What is fixed when the database is created, and the offset of its business time.';
COMMENT ON COLUMN installation.clock_offset IS
    'Business time (market, settlement, schedules, event times) is the database''s clock plus this. It only grows.';

CREATE FUNCTION business_time() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT date_trunc('milliseconds', clock_timestamp() + clock_offset) FROM installation
$$;
COMMENT ON FUNCTION business_time IS 'The time of everything that clients see, in whole milliseconds.';

CREATE FUNCTION keep_installation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.clock_offset < OLD.clock_offset OR NEW.lane_count <> OLD.lane_count OR NEW.development <> OLD.development
        OR NEW.currency <> OLD.currency
    THEN
        RAISE EXCEPTION 'the installation is fixed, and its clock_offset only grows';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER installation_is_kept BEFORE UPDATE ON installation FOR EACH ROW EXECUTE FUNCTION keep_installation();

CREATE TABLE epochs (
    number integer PRIMARY KEY CHECK (number > 0),
    system_identifier bigint NOT NULL,
    timeline integer NOT NULL,
    heads bigint[] NOT NULL,
    reason text NOT NULL,
    began_at timestamptz NOT NULL
);
COMMENT ON TABLE epochs IS
    'A history that may differ from what readers saw: begun by a failover or a restore, with the lanes'' heads found then '
    '(heads[lane + 1]). Identity: pg_control_system() and the timeline in the name of the current WAL file.';

CREATE UNLOGGED TABLE heartbeats (
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    role text NOT NULL,
    process_id uuid NOT NULL,
    beating_since timestamptz NOT NULL,
    beat_at timestamptz NOT NULL,
    clock_difference_ms bigint,
    host text,
    PRIMARY KEY (pid, backend_start)
);
COMMENT ON TABLE heartbeats IS
    'Sessions that own something, and when their processes last said that they run: a frozen owner''s session is ended.';

-- Clients of the API ------------------------------------------------------------------------------------------------

CREATE TABLE clients (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    secret_hash text NOT NULL,
    scopes text[] NOT NULL,
    require_signatures boolean NOT NULL DEFAULT false,
    requests_per_minute integer CHECK (requests_per_minute > 0),
    accepted_status smallint NOT NULL DEFAULT 202 CHECK (accepted_status IN (200, 202)),
    official_reasons boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON COLUMN clients.accepted_status IS 'What POST /portfolios/orders answers with.';
COMMENT ON COLUMN clients.official_reasons IS
    'Whether cancellation reasons are told in the public API''s words. Fixed, because events are frozen with them.';

CREATE FUNCTION keep_official_reasons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'official_reasons is fixed when a client is created: its events are frozen with it';
END
$$;
CREATE TRIGGER official_reasons_are_kept BEFORE UPDATE ON clients FOR EACH ROW
WHEN (OLD.official_reasons <> NEW.official_reasons) EXECUTE FUNCTION keep_official_reasons();

CREATE TABLE client_keys (
    client_id uuid NOT NULL REFERENCES clients,
    key_id text NOT NULL,
    public_key text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (client_id, key_id)
);

CREATE TABLE used_nonces (
    client_id uuid NOT NULL,
    nonce text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, nonce)
);
CREATE INDEX used_nonces_to_forget ON used_nonces (expires_at);

CREATE TABLE signing_keys (
    id text PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('TOKEN', 'WEBHOOK')),
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);

CREATE TABLE idempotency_records (
    client_id uuid NOT NULL,
    key uuid NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, key)
);
COMMENT ON COLUMN idempotency_records.created_at IS 'By the database''s clock, as is the time at which it is forgotten.';
CREATE INDEX idempotency_records_to_forget ON idempotency_records USING brin (created_at);

-- Master data --------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES clients,
    details jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'INACTIVE', 'OFFBOARDING', 'OFFBOARDED')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX users_of_client ON users (client_id, created_at, id);

CREATE TABLE account_groups (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES clients,
    user_id uuid NOT NULL REFERENCES users,
    type text NOT NULL CHECK (type IN ('PERSONAL')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'LOCKED', 'CLOSED')),
    securities_account_number integer GENERATED ALWAYS AS IDENTITY (MINVALUE 100000000 MAXVALUE 999999999) UNIQUE,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX account_groups_of_client ON account_groups (client_id, created_at, id);
CREATE INDEX account_groups_of_user ON account_groups (user_id);

CREATE TABLE venues (
    id uuid PRIMARY KEY,
    number smallint GENERATED ALWAYS AS IDENTITY UNIQUE,
    name text NOT NULL UNIQUE CHECK (name ~ '^[A-Z][A-Z0-9_]{0,29}$'),
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX venues_one_default ON venues (is_default) WHERE is_default;
COMMENT ON TABLE venues IS 'Where orders are executed. An instrument that names no venue is executed at the default one.';
COMMENT ON COLUMN venues.number IS 'Names the advisory locks by which gateways own lanes at this venue.';

CREATE TABLE instruments (
    isin text PRIMARY KEY CHECK (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'),
    id uuid NOT NULL UNIQUE,
    wkn text NOT NULL DEFAULT '',
    name text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    minimum_amount numeric NOT NULL CHECK (minimum_amount BETWEEN 0 AND 1e15),
    fractional boolean NOT NULL,
    trading_status text NOT NULL CHECK (trading_status IN ('ACTIVE', 'INACTIVE')),
    price numeric NOT NULL CHECK (price > 0 AND price <= 1e12 AND scale(price) <= 10),
    venue_id uuid REFERENCES venues,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE allocations (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES clients,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX allocations_of_client ON allocations (client_id, created_at, id);

CREATE TABLE allocation_weights (
    allocation_id uuid NOT NULL REFERENCES allocations,
    entry smallint NOT NULL,
    isin text NOT NULL REFERENCES instruments,
    weight numeric NOT NULL CHECK (weight > 0),
    PRIMARY KEY (allocation_id, entry),
    UNIQUE (allocation_id, isin)
);

-- Lanes --------------------------------------------------------------------------------------------------------------

CREATE TABLE lanes (
    lane smallint PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    last_event_at timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 50);
COMMENT ON TABLE lanes IS
    'The head of each lane: the position and time of its last segment of events, and a version that every write to the lane '
    'compares and moves, so that of two writers one is refused.';

CREATE TABLE accounts (
    lane smallint NOT NULL REFERENCES lanes,
    id uuid NOT NULL,
    client_id uuid NOT NULL REFERENCES clients,
    user_id uuid NOT NULL REFERENCES users,
    account_group_id uuid NOT NULL REFERENCES account_groups,
    type text NOT NULL CHECK (type IN ('TRADING', 'PORTFOLIO')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'LOCKED', 'CLOSED')),
    name text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    distribution text NOT NULL CHECK (distribution IN ('DEFAULT', 'PRO_RATA')),
    account_number integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lane, id)
);
CREATE INDEX accounts_of_client ON accounts (client_id, created_at, id);
CREATE INDEX accounts_of_group ON accounts (lane, account_group_id);
CREATE INDEX accounts_of_user ON accounts (user_id);

CREATE TABLE portfolio_configurations (
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    client_id uuid NOT NULL REFERENCES clients,
    allocation_id uuid NOT NULL REFERENCES allocations,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lane, account_id)
);
CREATE INDEX portfolio_configurations_of_client ON portfolio_configurations (client_id, created_at, account_id);
CREATE INDEX portfolio_configurations_of_allocation ON portfolio_configurations (allocation_id, created_at, account_id);

CREATE TABLE inbox (
    lane smallint NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    message bytea NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
CREATE INDEX inbox_settlements ON inbox (lane, subject_id) WHERE kind = 'SETTLE_EXECUTIONS';
COMMENT ON INDEX inbox_settlements IS 'Tells the timers which accounts have a settlement message that still waits.';
COMMENT ON TABLE inbox IS 'What somebody wants of a lane, as JSON, until the owner of the lane has applied it.';
COMMENT ON COLUMN inbox.subject_id IS 'The account (or other subject) whose messages are applied in the order of their ids.';
COMMENT ON COLUMN inbox.actor IS 'Who asked for it: client:<id>, venue:<name>, timer or operator.';

CREATE TABLE quarantine (
    lane smallint NOT NULL,
    id bigint NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    message bytea NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL,
    error text,
    quarantined_at timestamptz NOT NULL,
    PRIMARY KEY (lane, id)
);
CREATE INDEX quarantine_of_subject ON quarantine (lane, subject_id);
COMMENT ON TABLE quarantine IS
    'Messages that could not be applied, with their error; their subjects are held: what comes for them meanwhile is set '
    'aside here too, without an error of its own.';

CREATE TABLE parent_orders (
    lane smallint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PORTFOLIO', 'LIQUIDATION', 'SINGLE')),
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    account_id uuid NOT NULL,
    allocation_id uuid,
    cash_amount numeric NOT NULL CHECK (cash_amount >= 0),
    currency text NOT NULL,
    type text NOT NULL CHECK (type IN ('BUY', 'SELL', 'REBALANCING')),
    status text NOT NULL CHECK (status IN ('NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED')),
    post_tax boolean NOT NULL,
    client_reference text NOT NULL,
    initiation_flow text NOT NULL CHECK (initiation_flow IN ('API', 'REBALANCING', 'SAVINGS_PLAN')),
    cancellation_reason text,
    cancellation_details text NOT NULL DEFAULT '',
    wave smallint NOT NULL DEFAULT 0 CHECK (wave >= 0),
    is_last_wave boolean NOT NULL DEFAULT true,
    sequence integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    legs_new smallint NOT NULL DEFAULT 0,
    legs_processing smallint NOT NULL DEFAULT 0,
    legs_filled smallint NOT NULL DEFAULT 0,
    legs_cancelled smallint NOT NULL DEFAULT 0,
    settles_on date,
    legs bytea NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (lane, id)
) WITH (fillfactor = 70);
COMMENT ON TABLE parent_orders IS
    'Portfolio orders, liquidations and single orders, each with its individual orders and their executions as one JSON '
    'document (legs); the views orders and executions unpack it.';
COMMENT ON COLUMN parent_orders.settles_on IS 'The earliest settlement date of an execution that is not settled yet.';
CREATE INDEX parent_orders_of_client ON parent_orders (client_id, created_at, id);
CREATE INDEX parent_orders_of_reference ON parent_orders (client_id, client_reference) WHERE client_reference <> '';
CREATE INDEX parent_orders_of_account ON parent_orders (lane, account_id, created_at, id);
CREATE INDEX parent_orders_at_the_venue ON parent_orders (lane, id) WHERE status IN ('NEW', 'PROCESSING');
CREATE INDEX parent_orders_to_settle ON parent_orders (settles_on, lane, id) WHERE settles_on IS NOT NULL;

CREATE TABLE holdings (
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    asset text NOT NULL,
    asset_type text NOT NULL CHECK (asset_type IN ('CASH', 'INSTRUMENT')),
    quantity numeric NOT NULL,
    locked numeric NOT NULL CHECK (locked >= 0),
    pending numeric NOT NULL CHECK (pending >= 0),
    owed numeric NOT NULL DEFAULT 0 CHECK (owed >= 0),
    PRIMARY KEY (lane, account_id, asset),
    CONSTRAINT available_is_never_negative CHECK (quantity + owed - locked >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE holdings IS 'What an account has of a currency or an instrument: the sum of its journal''s postings.';
COMMENT ON COLUMN holdings.owed IS 'What a bust took from somebody who no longer had it.';

CREATE TABLE journal (
    lane smallint NOT NULL,
    message_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    received_at timestamptz NOT NULL,
    parent_id uuid,
    message jsonb NOT NULL,
    facts jsonb,
    postings jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (lane, message_id, created_at)
);
CREATE INDEX journal_of_subject ON journal (lane, subject_id, message_id);
COMMENT ON TABLE journal IS
    'One row for each message that was applied: who asked for what and when, what was decided from (facts: the planner''s '
    'version and inputs) and every change of a holding that followed (postings). Never changed.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE venue_outbox (
    lane smallint NOT NULL,
    venue_number smallint NOT NULL,
    parent_id uuid NOT NULL,
    wave smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('SEND', 'CANCEL')),
    account_id uuid NOT NULL,
    legs smallint[] NOT NULL,
    orders bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, venue_number, parent_id, wave, kind)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE venue_outbox IS
    'What a venue is to be told of the individual orders of a parent order: one row for all that a wave sends or cancels. '
    'legs are those that the venue has not answered for yet; orders is the JSON of all of them.';

-- Events -------------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    lane smallint NOT NULL,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL,
    epoch integer NOT NULL,
    client_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    parent_id uuid,
    message_id bigint NOT NULL,
    topics text[] NOT NULL,
    ids uuid[] NOT NULL,
    types text[] NOT NULL,
    sequences integer[] NOT NULL,
    order_ids uuid[] NOT NULL,
    payload_bytes integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (lane, position, created_at)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE events IS
    'Segments: the events of one message and one parent order (or of none), at one position of their lane. ids, types, '
    'sequences and order_ids have an entry for each event; payload is the frozen JSON of each without webhook_id, one a '
    'line, compressed by zstd (orderlane events show).';
CREATE TABLE events_default PARTITION OF events DEFAULT;
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE events_default ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX events_of_parent ON events (lane, parent_id, position) WHERE parent_id IS NOT NULL;
CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON events_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION make_event_partition(day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    partition_name text := 'events_' || to_char(day, 'YYYY_MM_DD');
    beginning timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ending timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', partition_name);
    ALTER TABLE events_default DISABLE TRIGGER events_are_final;
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', partition_name
    ) USING beginning, ending;
    ALTER TABLE events_default ENABLE TRIGGER events_are_final;
    EXECUTE format(
        'CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', partition_name
    );
    EXECUTE format(
        'ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition_name, beginning, ending
    );
    RETURN true;
END
$$;
COMMENT ON FUNCTION make_event_partition IS
    'Give a day (in UTC) a partition of its own, unless it has one. Events of the day that came before it move there from '
    'the default partition. Writers wait meanwhile, locked out at the parent table, so that none of them is misled.';

-- Views: every document in plain SQL -----------------------------------------------------------------------------------

CREATE VIEW orders AS
SELECT parent.lane, parent.id AS parent_id, parent.client_id, parent.account_id, parent.user_id,
    (leg.value ->> 'id')::uuid AS id, leg.number::smallint AS leg, coalesce((leg.value ->> 'wave')::smallint, 0::smallint) AS wave,
    leg.value ->> 'side' AS side, leg.value ->> 'isin' AS isin, (leg.value ->> 'venue_id')::uuid AS venue_id,
    leg.value ->> 'venue' AS venue, (leg.value ->> 'fractional')::boolean AS fractional,
    coalesce(leg.value ->> 'initiation_flow', 'PORTFOLIO') AS initiation_flow,
    coalesce((leg.value ->> 'cash_amount')::numeric, 0) AS cash_amount,
    coalesce((leg.value ->> 'quantity')::numeric, 0) AS quantity,
    coalesce((leg.value ->> 'locked')::numeric, 0) AS locked, parent.currency,
    (leg.value ->> 'reference_price')::numeric AS reference_price,
    coalesce((leg.value ->> 'fee')::numeric, 0) AS fee,
    leg.value ->> 'status' AS status, leg.value ->> 'cancellation_reason' AS cancellation_reason,
    coalesce(leg.value ->> 'cancellation_details', '') AS cancellation_details,
    (leg.value ->> 'reported_quantity')::numeric AS reported_quantity,
    (leg.value ->> 'created_at')::timestamptz AS created_at, (leg.value ->> 'updated_at')::timestamptz AS updated_at,
    coalesce(leg.value -> 'executions', '[]'::jsonb) AS executions, leg.value AS document
FROM parent_orders AS parent
CROSS JOIN LATERAL jsonb_array_elements(convert_from(parent.legs, 'UTF8')::jsonb) WITH ORDINALITY AS leg (value, number);
COMMENT ON VIEW orders IS 'The individual orders of all parent orders; document has every field of one.';

CREATE VIEW executions AS
SELECT individual.lane, individual.parent_id, individual.id AS order_id, individual.account_id, individual.isin,
    individual.side, individual.currency, individual.venue_id,
    (trade.value ->> 'id')::uuid AS id, (trade.value ->> 'cash_amount')::numeric AS cash_amount,
    (trade.value ->> 'share_quantity')::numeric AS share_quantity, (trade.value ->> 'price')::numeric AS price,
    (trade.value ->> 'transaction_time')::timestamptz AS transaction_time,
    (trade.value ->> 'settlement_date')::date AS settlement_date,
    trade.value ->> 'status' AS status, trade.value ->> 'venue_execution_id' AS venue_execution_id,
    (trade.value ->> 'created_at')::timestamptz AS created_at
FROM orders AS individual
CROSS JOIN LATERAL jsonb_array_elements(individual.executions) AS trade (value);
COMMENT ON VIEW executions IS 'The executions of all individual orders.';

CREATE VIEW journal_entries AS
SELECT journal.lane, journal.message_id, posting.number::integer AS number, journal.subject_id AS account_id, journal.kind,
    journal.actor, journal.request_id, journal.created_at,
    posting.value ->> 'asset' AS asset, posting.value ->> 'asset_type' AS asset_type, posting.value ->> 'reason' AS reason,
    coalesce((posting.value ->> 'quantity')::numeric, 0) AS quantity,
    coalesce((posting.value ->> 'locked')::numeric, 0) AS locked,
    coalesce((posting.value ->> 'pending')::numeric, 0) AS pending,
    coalesce((posting.value ->> 'owed')::numeric, 0) AS owed,
    journal.parent_id, (posting.value ->> 'order_id')::uuid AS order_id,
    (posting.value ->> 'execution_id')::uuid AS execution_id, (posting.value ->> 'deposit_id')::uuid AS deposit_id
FROM journal
CROSS JOIN LATERAL jsonb_array_elements(journal.postings) WITH ORDINALITY AS posting (value, number);
COMMENT ON VIEW journal_entries IS 'Every change of every holding: how much, why, by which message.';

CREATE VIEW event_log AS
SELECT segment.lane, segment.position, event.number::integer - 1 AS frame, event.id, event.type, segment.created_at,
    segment.epoch, segment.client_id, segment.subject_id, segment.parent_id, event.order_id, event.sequence,
    segment.message_id
FROM events AS segment
CROSS JOIN LATERAL unnest(segment.ids, segment.types, segment.sequences, segment.order_ids) WITH ORDINALITY
    AS event (id, type, sequence, order_id, number);
COMMENT ON VIEW event_log IS 'Every event, in the order of its lane; `orderlane events show` has the payloads.';

-- Webhooks -----------------------------------------------------------------------------------------------------------

CREATE TABLE webhook_subscriptions (
    id uuid PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    client_id uuid NOT NULL REFERENCES clients,
    title text NOT NULL,
    url text NOT NULL,
    types text[] NOT NULL,
    exclude_types text[] NOT NULL,
    enabled boolean NOT NULL,
    disabled_reason text,
    delay_ms integer NOT NULL CHECK (delay_ms BETWEEN 0 AND 30000),
    max_package_bytes integer NOT NULL CHECK (max_package_bytes BETWEEN 100 AND 1048576),
    secret text NOT NULL,
    previous_secret text,
    previous_secret_expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN webhook_subscriptions.number IS 'Names the advisory lock by which one sender owns the subscription.';
CREATE INDEX webhook_subscriptions_of_client ON webhook_subscriptions (client_id, created_at);

CREATE TABLE webhook_cursors (
    subscription_id uuid PRIMARY KEY REFERENCES webhook_subscriptions ON DELETE CASCADE,
    epoch integer NOT NULL,
    positions bigint[] NOT NULL,
    event_times timestamptz[] NOT NULL,
    package_id uuid,
    package_created_at timestamptz,
    package_positions bigint[],
    package_types text[],
    package_exclude_types text[],
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_error text
) WITH (fillfactor = 20);
COMMENT ON TABLE webhook_cursors IS
    'Per subscription: what is delivered, and the one package in flight, frozen by the range of events and the filter that '
    'make it. A place is a segment''s position * 4096 + the frame of the last event behind the cursor; places are '
    'positions[lane + 1]. No event in front of the cursor is older than event_times[lane + 1], which may lag behind.';

CREATE TABLE webhook_attempts (
    id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL,
    package_id uuid NOT NULL,
    attempt integer NOT NULL,
    sent_at timestamptz NOT NULL,
    latency_ms integer NOT NULL,
    status_code smallint,
    error_code text,
    body_bytes integer NOT NULL,
    event_ids uuid[] NOT NULL
);
COMMENT ON COLUMN webhook_attempts.subscription_id IS
    'No foreign key: its check would lock the subscription behind its cursor, against whoever changes or deletes both.';
CREATE INDEX webhook_attempts_of_subscription ON webhook_attempts (subscription_id, sent_at);
CREATE INDEX webhook_attempts_to_forget ON webhook_attempts USING brin (sent_at);
