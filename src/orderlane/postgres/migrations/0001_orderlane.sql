-- The first schema: installation, clients, master data, lanes and all that belongs to one, events, webhook delivery.
-- Every table of a lane carries `lane` in its key, so that the schema can be distributed by it.

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    lane_count smallint NOT NULL CHECK (lane_count BETWEEN 1 AND 1024),
    currency text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN installation.currency IS 'Every account is in it. Fixed, like the lanes, when the database is created.';

-- Clients of the API ------------------------------------------------------------------------------------------------

CREATE TABLE clients (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    secret_hash text NOT NULL,
    scopes text[] NOT NULL,
    require_signatures boolean NOT NULL DEFAULT false,
    requests_per_minute integer CHECK (requests_per_minute > 0),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

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
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, key)
);
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
CREATE INDEX users_of_client ON users (client_id, created_at);

CREATE TABLE account_groups (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES clients,
    user_id uuid NOT NULL REFERENCES users,
    type text NOT NULL CHECK (type IN ('PERSONAL')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'LOCKED', 'CLOSED')),
    securities_account_number bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX account_groups_of_client ON account_groups (client_id, created_at);
CREATE INDEX account_groups_of_user ON account_groups (user_id);

CREATE TABLE instruments (
    isin text PRIMARY KEY CHECK (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'),
    id uuid NOT NULL UNIQUE,
    wkn text NOT NULL DEFAULT '',
    name text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    minimum_amount numeric NOT NULL CHECK (minimum_amount >= 0),
    fractional boolean NOT NULL,
    trading_status text NOT NULL CHECK (trading_status IN ('ACTIVE', 'INACTIVE')),
    price numeric NOT NULL CHECK (price > 0),
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
CREATE INDEX allocations_of_client ON allocations (client_id, created_at);

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
    last_event_at timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 50);
COMMENT ON TABLE lanes IS 'The head of each lane: the position and time of its last event.';

CREATE TABLE accounts (
    id uuid NOT NULL,
    lane smallint NOT NULL REFERENCES lanes,
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
    PRIMARY KEY (id, lane)
);
CREATE INDEX accounts_of_client ON accounts (client_id, created_at);
CREATE INDEX accounts_of_group ON accounts (account_group_id);
CREATE INDEX accounts_of_user ON accounts (user_id);

CREATE TABLE portfolio_configurations (
    account_id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES clients,
    allocation_id uuid NOT NULL REFERENCES allocations,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX portfolio_configurations_of_client ON portfolio_configurations (client_id, created_at);
CREATE INDEX portfolio_configurations_of_allocation ON portfolio_configurations (allocation_id);

CREATE TABLE inbox (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, lane)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE inbox IS 'What somebody wants of an account, until the owner of its lane has applied it.';

CREATE TABLE quarantine (
    id bigint NOT NULL,
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    error text NOT NULL,
    quarantined_at timestamptz NOT NULL,
    PRIMARY KEY (id, lane)
);
CREATE INDEX quarantine_of_account ON quarantine (account_id);
COMMENT ON TABLE quarantine IS 'Messages that could not be applied. While one is here, its account is held.';

CREATE TABLE portfolio_orders (
    id uuid NOT NULL,
    lane smallint NOT NULL,
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    account_id uuid NOT NULL,
    allocation_id uuid,
    cash_amount numeric NOT NULL CHECK (cash_amount > 0),
    currency text NOT NULL,
    type text NOT NULL CHECK (type IN ('BUY', 'SELL', 'REBALANCING')),
    status text NOT NULL CHECK (status IN ('NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED')),
    post_tax boolean NOT NULL,
    client_reference text NOT NULL,
    initiation_flow text NOT NULL CHECK (initiation_flow IN ('API', 'REBALANCING', 'SAVINGS_PLAN')),
    cancellation_reason text,
    cancellation_details text NOT NULL,
    sequence integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id, lane)
) WITH (fillfactor = 85);
CREATE INDEX portfolio_orders_of_client ON portfolio_orders (client_id, created_at);
CREATE INDEX portfolio_orders_of_account ON portfolio_orders (account_id, created_at);
CREATE INDEX portfolio_orders_at_the_venue ON portfolio_orders (lane) WHERE status IN ('NEW', 'PROCESSING');

CREATE TABLE orders (
    id uuid NOT NULL,
    lane smallint NOT NULL,
    portfolio_order_id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    leg smallint NOT NULL,
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    isin text NOT NULL,
    cash_amount numeric NOT NULL CHECK (cash_amount >= 0),
    quantity numeric NOT NULL CHECK (quantity >= 0),
    locked numeric NOT NULL CHECK (locked >= 0),
    currency text NOT NULL,
    reference_price numeric NOT NULL CHECK (reference_price > 0),
    fractional boolean NOT NULL,
    fee numeric NOT NULL CHECK (fee >= 0),
    status text NOT NULL CHECK (status IN ('NEW', 'PROCESSING', 'FILLED', 'CANCELLED')),
    cancellation_reason text,
    initiation_flow text NOT NULL CHECK (initiation_flow IN ('PORTFOLIO', 'PORTFOLIO_REBALANCING')),
    reported_quantity numeric,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id, lane)
) WITH (fillfactor = 70);
CREATE INDEX orders_of_portfolio_order ON orders (portfolio_order_id);
COMMENT ON INDEX orders_of_portfolio_order IS 'Serves the lane worker, and an account''s orders by way of its portfolio orders.';

CREATE TABLE executions (
    id uuid NOT NULL,
    lane smallint NOT NULL,
    order_id uuid NOT NULL,
    portfolio_order_id uuid NOT NULL,
    account_id uuid NOT NULL,
    isin text NOT NULL,
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    cash_amount numeric NOT NULL CHECK (cash_amount >= 0),
    share_quantity numeric NOT NULL CHECK (share_quantity > 0),
    price numeric NOT NULL CHECK (price > 0),
    currency text NOT NULL,
    transaction_time timestamptz NOT NULL,
    settlement_date date NOT NULL,
    status text NOT NULL CHECK (status IN ('FILLED', 'SETTLED', 'CANCELLED')),
    venue_id text NOT NULL,
    venue_execution_id text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, lane)
);
COMMENT ON COLUMN executions.id IS 'Made from venue and venue execution id, so the primary key refuses a doubled execution.';
CREATE INDEX executions_of_portfolio_order ON executions (portfolio_order_id);
CREATE INDEX executions_to_settle ON executions (settlement_date) WHERE status = 'FILLED';

CREATE TABLE holdings (
    account_id uuid NOT NULL,
    lane smallint NOT NULL,
    asset text NOT NULL,
    asset_type text NOT NULL CHECK (asset_type IN ('CASH', 'INSTRUMENT')),
    quantity numeric NOT NULL,
    locked numeric NOT NULL CHECK (locked >= 0),
    pending numeric NOT NULL CHECK (pending >= 0),
    PRIMARY KEY (account_id, asset, lane),
    CONSTRAINT available_is_never_negative CHECK (quantity - locked >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE holdings IS 'What an account has of a currency or an instrument: the sum of its journal entries.';

CREATE TABLE journal_entries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    asset text NOT NULL,
    asset_type text NOT NULL CHECK (asset_type IN ('CASH', 'INSTRUMENT')),
    quantity numeric NOT NULL,
    locked numeric NOT NULL,
    pending numeric NOT NULL,
    reason text NOT NULL CHECK (reason IN ('DEPOSIT', 'RESERVATION', 'EXECUTION', 'RELEASE', 'SETTLEMENT')),
    message_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    portfolio_order_id uuid,
    order_id uuid,
    execution_id uuid,
    deposit_id uuid,
    PRIMARY KEY (account_id, id, lane)
);
COMMENT ON TABLE journal_entries IS 'Every change of every holding: how much, why, by which message. Never changed.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER journal_entries_are_final BEFORE UPDATE OR DELETE ON journal_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE venue_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    lane smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id uuid NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (id, lane)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE venue_outbox IS 'Individual orders that the venue has not accepted yet.';

-- Events -------------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    lane smallint NOT NULL,
    position bigint NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    client_id uuid NOT NULL,
    account_id uuid NOT NULL,
    portfolio_order_id uuid NOT NULL,
    sequence integer,
    payload bytea NOT NULL,
    PRIMARY KEY (lane, position, created_at)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE events IS 'Every transition, in the order of its lane; payload is the frozen JSON of the event without webhook_id.';
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX events_of_portfolio_order ON events (portfolio_order_id);
CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE ON events
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
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', partition_name
    ) USING beginning, ending;
    EXECUTE format(
        'ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition_name, beginning, ending
    );
    RETURN true;
END
$$;
COMMENT ON FUNCTION make_event_partition IS
    'Give a day (in UTC) a partition of its own, unless it has one. Events of the day that came before it move there from '
    'the default partition. Writers wait meanwhile, locked out at the parent table, so that none of them is misled.';

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
    'Per subscription: what is delivered (positions[lane + 1]), and the one package in flight, frozen by the range of events '
    'and the filter that make it. No event in front of the cursor is older than event_times[lane + 1], which may lag behind.';

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
