"""How the database finds a subscription's events: by index, lane by lane, also with a plan made for an empty table."""

import re

import asyncpg
import pytest

from orderlane.postgres.queries import queries

CURSOR = "array_fill(0::bigint, ARRAY[4]), array_fill(now(), ARRAY[4])"
PARAMETERS = {
    "next_segments": f"{CURSOR}, 100, ARRAY[gen_random_uuid()], '{{ALL}}', '{{}}'",
    "segments_between": f"{CURSOR}, array_fill(40000::bigint, ARRAY[4]), gen_random_uuid(), '{{ALL}}', '{{}}'",
}


@pytest.mark.parametrize("name", PARAMETERS)
async def test_events_are_read_by_index_with_a_plan_made_for_an_empty_table(
    connection: asyncpg.Connection, name: str
) -> None:
    statement = re.sub("^--.*$", "", queries("feed")[name], flags=re.MULTILINE)
    await connection.execute("SELECT make_event_partition(current_date)")
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE reading AS {statement}")

    rows = await connection.fetch(f"EXPLAIN EXECUTE reading ({PARAMETERS[name]})")

    plan = "\n".join(row[0] for row in rows)
    assert not re.search(r"Seq Scan on events|Hash", plan), plan
    assert len(re.findall(r"Index Scan using events_\w+_pkey", plan)) == 2, plan
    assert all("position" in line for line in re.findall("Index Cond: .*", plan)), plan
