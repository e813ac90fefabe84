"""How the service says that it is well, or not."""

import re
from pathlib import Path
from typing import Any

import pytest

from orderlane.api.options import ApiOptions
from orderlane.postgres import connection as database_connection
from orderlane.postgres.embedded import EmbeddedPostgres
from orderlane.postgres.migrate import NewInstallation, migrate
from orderlane.postgres.ownership import ClaimRole, Claims
from tests.conftest import INSTALLED_AT, LANE_COUNT, NewDatabase, opened
from tests.database.conftest import running_api
from tests.database.http.onboarding import USER

OPTIONS = ApiOptions(token_requests_per_minute=10_000)


async def metrics(http: Any) -> dict[str, float]:
    answer = await http.get("/metrics", headers={"accept": "*/*"})
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_a_service_that_is_well(api: Any) -> None:
    http = await api.anonymous()

    for path in ("/health/live", "/health/ready"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_database_without_its_schema(new_database: NewDatabase) -> None:
    dsn = await new_database()
    async with running_api(dsn, OPTIONS) as api, opened(dsn) as connection:
        await connection.execute("DELETE FROM schema_migrations WHERE name LIKE '0001%'")

        refused = await api.http.get("/health/ready")

    assert refused.status_code == 503
    assert "0001_orderlane.sql" in refused.json()["detail"]
    assert "orderlane migrate" in refused.json()["detail"]


async def test_a_lost_database_is_told_and_found_again(tmp_path: Path, bin_dir: Path | None) -> None:
    server = EmbeddedPostgres(tmp_path, bin_dir)
    await server.start()
    async with opened(server.dsn) as connection:
        await migrate(connection, NewInstallation(lane_count=LANE_COUNT), INSTALLED_AT)
    async with running_api(server.dsn, OPTIONS) as api:
        await server.stop()
        live, ready = [await api.http.get(f"/health/{one}") for one in ("live", "ready")]
        refused = await api.post("/users", USER)
        while_lost = await metrics(api.http)
        await server.start()
        found = await api.post("/users", USER)
        afterwards = await metrics(api.http)
    await server.stop()

    assert (live.status_code, ready.status_code, refused.status_code) == (200, 503, 503)
    assert refused.json()["type"] == "http://127.0.0.1:8080/errors/unavailable"
    assert int(refused.headers["retry-after"]) >= 1
    assert found.status_code == 200
    assert (while_lost["orderlane_database_up"], afterwards["orderlane_database_up"]) == (0, 1)


async def test_a_database_that_hangs_is_given_up(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_connection, "STATEMENT_SECONDS_MAX", 0.5)
    dsn = await new_database()
    async with running_api(dsn, OPTIONS) as api, opened(dsn) as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE users")
            refused = await api.post("/users", USER, key := api.new_id())
        repeated = await api.post("/users", USER, key)

    assert refused.status_code == 503
    assert repeated.status_code == 200
    assert "idempotent-replayed" not in repeated.headers


async def test_requests_are_counted_and_timed_by_route(api: Any) -> None:
    await api.http.get("/users/1")
    await api.http.get(f"/users/{api.new_id()}")

    found = await metrics(api.http)

    route = 'method="GET",route="/users/{user_id}"'
    assert found[f'orderlane_api_requests_total{{{route},status="400"}}'] == 1
    assert found[f'orderlane_api_requests_total{{{route},status="404"}}'] == 1
    assert found[f"orderlane_api_request_seconds_count{{{route}}}"] == 2
    assert found["orderlane_sql_statements_total"] > 0
    assert found["process_cpu_seconds_total"] > 0


async def test_what_waits_in_the_database_is_counted(new_database: NewDatabase) -> None:
    dsn = await new_database()
    async with running_api(dsn, OPTIONS) as api, opened(dsn) as connection:
        await connection.execute(
            "INSERT INTO inbox (lane, subject_id, kind, message, actor, created_at) "
            "SELECT 0, gen_random_uuid(), 'x', '{}', 'tests', now() - interval '1 hour' FROM generate_series(1, 3)"
        )
        await Claims(connection, ClaimRole.LANES).redistribute([0])

        found = await metrics(api.http)

    assert found["orderlane_inbox_messages"] == 3
    assert 3600 <= found["orderlane_oldest_inbox_message_age_seconds"] < 3700
    assert found["orderlane_quarantine_messages"] == 0
    assert found["orderlane_lanes_without_worker"] == LANE_COUNT - 1
    assert found["orderlane_oldest_undelivered_event_age_seconds"] == 0


async def test_a_scrape_costs_one_statement(api: Any) -> None:
    await metrics(api.http)
    before = api.services.figures.statement_count
    await metrics(api.http)

    assert api.services.figures.statement_count - before == 1


async def test_the_documentation_is_served_and_closed_to_the_outside(api: Any) -> None:
    http = await api.anonymous()
    page = await http.get("/docs", headers={"accept": "text/html,application/xhtml+xml"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assets = set(re.findall(r'(?:src|href)="(/[^"#]+)"', page.text))
    assert {"/docs/style.css", "/docs/search.js"} <= assets
    for path in assets:
        answer = await http.get(path, headers={"accept": "*/*"})
        assert answer.status_code == 200, path
    assert (await http.get("/openapi.json")).json()["openapi"] == "3.1.0"
