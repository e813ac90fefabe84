"""The check of lanes itself: statements that it has to accept, and statements that it has to refuse."""

import re
from pathlib import Path

import pytest

from tests.unit.postgres.lane_catalog import Schema
from tests.unit.postgres.lane_rules import Breach, Rule, breaches

SCHEMA = Schema("""
    CREATE TABLE lanes (lane smallint PRIMARY KEY, position bigint);
    CREATE TABLE accounts (lane smallint, id uuid, client_id uuid, PRIMARY KEY (lane, id));
    CREATE TABLE inbox (lane smallint, id bigint, subject_id uuid, kind text, PRIMARY KEY (lane, id));
    CREATE TABLE quarantine (lane smallint, id bigint, subject_id uuid, error text, PRIMARY KEY (lane, id));
    CREATE TABLE events (lane smallint, position bigint, ids uuid[], PRIMARY KEY (lane, position))
        PARTITION BY RANGE (lane);
    CREATE TABLE events_default PARTITION OF events DEFAULT;
    CREATE TABLE clients (id uuid PRIMARY KEY, name text);
    CREATE TABLE notes (id uuid PRIMARY KEY, lane smallint);
    CREATE VIEW event_log AS SELECT segment.lane, event.id FROM events AS segment, unnest(segment.ids) AS event (id);
    CREATE VIEW totals AS SELECT count(*) AS number FROM events;
    ALTER TABLE inbox ADD COLUMN actor text;
""")

PLANTED = re.findall(
    r"^-- (OK|NAMED|JOINED|INSERTED|READABLE) ?(.*)\n([^;]+;)$",
    Path(__file__).with_name("planted_statements.sql").read_text(),
    re.MULTILINE,
)


def broken(sql: str) -> list[Breach]:
    return breaches(sql, SCHEMA.catalog())


@pytest.mark.parametrize("sql", [sql for rule, _, sql in PLANTED if rule == "OK"])
def test_a_statement_that_names_its_lanes_passes(sql: str) -> None:
    assert broken(sql) == []


@pytest.mark.parametrize(("rule", "relations", "sql"), [planted for planted in PLANTED if planted[0] != "OK"])
def test_a_statement_that_breaks_a_rule_is_refused(rule: str, relations: str, sql: str) -> None:
    assert Breach(Rule[rule], relations) in broken(sql)


def test_every_planted_statement_is_read() -> None:
    assert len(PLANTED) > 100
    assert {rule for rule, _, _ in PLANTED} == {"OK", *Rule.__members__}


def test_tables_of_every_level_are_reported() -> None:
    sql = "SELECT * FROM accounts WHERE id IN (SELECT subject_id FROM inbox WHERE id = $1)"

    assert broken(sql) == [
        Breach(Rule.NAMED, "accounts"),
        Breach(Rule.NAMED, "inbox"),
        Breach(Rule.JOINED, "accounts, inbox"),
    ]


def test_each_of_several_statements_is_read() -> None:
    assert broken("SELECT 1; SELECT * FROM inbox") == [Breach(Rule.NAMED, "inbox")]


def test_the_tables_of_lanes_are_those_whose_key_has_a_lane_and_the_views_that_hand_it_on() -> None:
    assert SCHEMA.lane_tables == {
        "accounts",
        "event_log",
        "events",
        "events_default",
        "inbox",
        "lanes",
        "quarantine",
    }
    assert SCHEMA.columns["inbox"][-1] == "actor"
    assert SCHEMA.columns["event_log"] == ("lane", "id")


@pytest.mark.parametrize("join", ["NATURAL JOIN inbox", "JOIN (inbox CROSS JOIN clients) AS x ON true"])
def test_what_cannot_be_read_is_said(join: str) -> None:
    with pytest.raises(NotImplementedError):
        broken(f"SELECT * FROM accounts {join}")
