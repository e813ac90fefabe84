"""Every named query and every view keeps the rule of lanes; those that read all lanes are listed with their reason."""

from importlib.resources import files

import pytest

from orderlane.postgres.queries import queries
from tests.unit.postgres.lane_catalog import Schema, migrations
from tests.unit.postgres.lane_levels import LANE
from tests.unit.postgres.lane_rules import Breach, Rule, breaches

# Queries that use tables of lanes without naming a lane, by "file.query". In a distributed schema each of them asks
# every node: what runs for each portfolio order or for each message has no place here.
GLOBAL_QUERIES = {
    "accounts.list_accounts": "A client's or a user's accounts are in all lanes; an index begins with the client.",
    "allocations.list_allocation_accounts": "Accounts of all lanes follow an allocation; an index begins with it.",
    "configurations.list_configurations": "A client's accounts are in all lanes; an index begins with the client.",
    "configurations.list_configurations_of_allocation": "Accounts of all lanes may name it; an index begins with it.",
    "epochs.append": "An epoch begins with the heads of all lanes.",
    "feed.heads": "A reader's cursor has a place in every lane.",
    "feed.next_segments": "A reader's cursor has a place in every lane; only lanes with something new are probed.",
    "figures.backlog": "The metrics are those of all lanes.",
    "lanes.all_lanes": "Lanes are redistributed among the workers; this lists them once for each.",
    "operator.all_lanes": "The operator sees who owns each lane.",
    "operator.deliveries": "The operator sees what is not delivered, whatever lane it is in.",
    "operator.quarantined_messages": "The operator looks at the messages of all lanes.",
    "operator.fence_held_lane": "The operator names a message by its number, which no two lanes share.",
    "operator.waiting": "The operator sees what waits in all lanes.",
    "orders.list_portfolio_orders": "A client's orders are in all lanes; an index begins with the client.",
    "timers.due_parent_orders": "The timer asks all lanes for what is due; an index begins with the day.",
    "webhooks.add_subscription": "A new cursor begins at the heads of all lanes.",
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema(migrations())


def named_queries() -> dict[str, str]:
    """Every query by "file.query"."""
    folder = files("orderlane.postgres") / "queries"
    stems = sorted(path.name.removesuffix(".sql") for path in folder.iterdir() if path.name.endswith(".sql"))
    return {f"{stem}.{name}": sql for stem in stems for name, sql in queries(stem).items()}


def broken(sql: str, schema: Schema) -> list[Breach]:
    return breaches(sql.replace("{order}", "id"), schema.catalog())


@pytest.mark.parametrize("name", named_queries())
def test_a_query_names_the_lane_of_every_table_that_it_uses(name: str, schema: Schema) -> None:
    found = broken(named_queries()[name], schema)
    if name in GLOBAL_QUERIES:
        found = [breach for breach in found if breach.rule != Rule.NAMED]

    assert [f"{breach.relations}: {breach.rule}" for breach in found] == []


@pytest.mark.parametrize("name", GLOBAL_QUERIES)
def test_a_global_query_is_one(name: str, schema: Schema) -> None:
    assert name in named_queries(), "there is no such query any more: take it off the list"
    assert Rule.NAMED in {breach.rule for breach in broken(named_queries()[name], schema)}, (
        "it names its lane: take it off"
    )
    assert GLOBAL_QUERIES[name].endswith(".")


def test_a_table_with_a_lane_begins_its_key_with_it(schema: Schema) -> None:
    late = [name for name, key in schema.keys.items() if LANE in schema.columns[name] and key[:1] != (LANE,)]

    assert late == []


def test_a_view_on_lanes_hands_the_lane_on(schema: Schema) -> None:
    assert [name for name, found in schema.breaches.items() if found and name not in schema.lane_tables] == []
    assert [breach for found in schema.breaches.values() for breach in found if breach.rule != Rule.NAMED] == []


def test_the_purpose_of_a_query_begins_with_a_capital_letter() -> None:
    small = [name for name, sql in named_queries().items() if not sql.split(": ", 1)[1][0].isupper()]

    assert small == [], "begin these purposes with a capital letter and a verb"
