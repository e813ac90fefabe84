"""Commands and mistakes: what a person gets to read."""

import re
import stat
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.system.processes import Finished, Service, run_command, running_service

PUBLIC = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def refused(finished: Finished, sentence: str, code: int = 1) -> None:
    assert finished.code == code, (finished.out, finished.err)
    assert sentence in " ".join((finished.out + finished.err).split())
    assert "Traceback" not in finished.out + finished.err


def key_file(folder: Path) -> Path:
    file = folder / "public.pem"
    file.write_bytes(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*PUBLIC))
    return file


async def test_help_names_every_command_and_loads_no_heavy_module() -> None:
    helped = await run_command("--help")

    for command in ("serve", "demo", "api", "worker", "sender", "gateway", "client", "instruments", "migrate"):
        assert command in helped.out
    assert helped.out.index("serve") < helped.out.index("demo") < helped.out.index("api ")
    created = await run_command("client", "create", "--help", settings={"COLUMNS": "80"})
    assert "empty-scope" not in created.out
    assert "orderlane client create --name shop --json > client.json" in created.out
    loaded = await run_command("--version", settings={"PYTHONPROFILEIMPORTTIME": "1"})
    assert loaded.code == 0
    for heavy in ("asyncpg", "litestar", "aiohttp", "uvicorn", "cryptography"):
        assert f" {heavy}\n" not in loaded.err


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence", "code"),
    [
        (["serve", "--port", "99999"], {}, "--port is '99999', but must be a whole number from 0 to 65535", 2),
        (["serve"], {"ORDERLANE_LANE_COUNT": "many"}, "ORDERLANE_LANE_COUNT is 'many', but must be a power of two", 2),
        (["serve", "--port", "many"], {}, "--port is 'many', but must be a whole number", 2),
        (["serve", "--prot", "1"], {}, "Unknown option: --prot. Did you mean --port?", 2),
        (["sevre"], {}, 'Unknown command "sevre". Did you mean "serve"? See `orderlane --help`.', 2),
        (["worker", "--log-level", "loud"], {}, "--log-level is 'loud', but must be one of debug, info", 2),
        (
            ["migrate"],
            {"ORDERLANE_DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/none"},
            "ORDERLANE_DATABASE_URL: postgresql://127.0.0.1:1/none cannot be used",
            1,
        ),
        (["migrate"], {"ORDERLANE_POSTGRES_BIN": "/nowhere"}, "No PostgreSQL server found in /nowhere", 1),
        (["doctor"], {}, "there is no Orderlane in", 1),
        (["client", "list"], {}, "there is no Orderlane in", 1),
        (["client", "revoke", str(uuid4())], {}, "there is no Orderlane in", 1),
        (["portfolio-order", "show", "no-id"], {}, "PORTFOLIO_ORDER_ID is 'no-id', but must be an id such as", 2),
        (["instruments", "load", "nowhere.csv"], {}, "nowhere.csv cannot be read: No such file or directory", 1),
        (["client", "create"], {}, "--name", 2),
        (["client", "create", "--name", ""], {}, "--name must be 1 to 100 printable characters", 1),
        (["client", "create", "--name", "x", "--scope", "all"], {}, "--scope all is none of: accounts:admin", 1),
        (["client", "create", "--name", "x", "--require-signatures"], {}, "needs the client's --public-key FILE", 1),
        (["client", "create", "--name", "x", "--public-key", "none.pem"], {}, "none.pem cannot be read", 1),
    ],
)
async def test_a_mistake_gets_a_sentence(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], sentence: str, code: int
) -> None:
    finished = await run_command(*arguments, settings={"ORDERLANE_DATA_DIR": str(tmp_path / "data")} | settings)

    refused(finished, sentence, code)
    assert finished.err.startswith("orderlane: ")
    assert code == 1 or len(finished.err.splitlines()) == 1
    assert "secret" not in finished.err


async def test_a_key_of_a_wrong_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rsa.pem"
    file.write_bytes(rsa.generate_private_key(65537, 2048).public_key().public_bytes(*PUBLIC))

    finished = await run_command("client", "create", "--name", "x", "--public-key", file)

    refused(finished, f"--public-key {file}: ")


async def test_clients_and_their_keys_beside_a_running_service(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        the_first_clients_secret_is_in_a_private_file(service)
        await clients_are_made_listed_and_revoked(service, tmp_path)
        await instruments_are_loaded_whole_or_not_at_all(service, tmp_path)
        await an_operator_looks_around(service)


def the_first_clients_secret_is_in_a_private_file(service: Service) -> None:
    """What a program or a journal reads of the standard output has its path alone: `Service` reads it from there."""
    file = service.data_dir / "first-client.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert msgspec.json.decode(file.read_bytes()) == service.credentials


async def clients_are_made_listed_and_revoked(service: Service, folder: Path) -> None:
    data = ("--data-dir", service.data_dir)
    pem = key_file(folder)
    made = await run_command(
        *("client", "create", "--name", "robot", "--scope", "users:read", "--scope", "portfolios:admin", "--json"),
        *("--require-signatures", "--public-key", pem, "--key-id", "first", "--official-reasons", *data),
    )
    [facts] = made.lines
    assert facts["scope"] == "portfolios:admin users:read"
    assert facts["key_id"] == "first"

    added = await run_command(
        *("client", "key", "add", facts["client_id"], "--public-key", pem, "--key-id", "second"), *data
    )
    assert added.code == 0, added.err
    again = await run_command(
        *("client", "key", "add", facts["client_id"], "--public-key", pem, "--key-id", "second"), *data
    )
    refused(again, f"client {facts['client_id']} has a key second already")
    assert (await run_command("client", "key", "revoke", facts["client_id"], "first", *data)).code == 0
    listed = (await run_command("client", "key", "list", facts["client_id"], "--json", *data)).lines
    assert [(one["key_id"], one["revoked_at"] is None) for one in listed] == [("first", False), ("second", True)]

    await a_clients_settings_are_shown_and_changed(facts["client_id"], data)
    unknown = uuid4()
    refused(await run_command("client", "revoke", unknown, *data), f"there is no client {unknown}")
    assert (await run_command("client", "revoke", facts["client_id"], *data)).code == 0
    clients = (await run_command("client", "list", "--json", *data)).lines
    assert {one["client_id"]: one["revoked_at"] is None for one in clients} == {
        service.credentials["client_id"]: True,
        facts["client_id"]: False,
    }
    listing = await run_command("client", "list", *data, settings={"COLUMNS": "80"})
    assert f"{facts['client_id']}  robot\n" in "\n".join(f"{line.rstrip()}\n" for line in listing.out.splitlines())
    assert "active, signatures optional, 0 keys" in listing.out
    assert "portfolios:admin users:read" in listing.out
    assert max(map(len, listing.out.splitlines())) <= 80
    async with service.client() as client:
        assert await client.instruments()


async def a_clients_settings_are_shown_and_changed(client_id: str, data: tuple[str | Path, ...]) -> None:
    changed = await run_command("client", "update", client_id, "--accepted-status", "200", *data)
    assert f"client {client_id}: POST /portfolios/orders answers 200" in " ".join(changed.out.split())
    [shown] = (await run_command("client", "show", client_id, "--json", *data)).lines
    assert (shown["accepted_status"], shown["official_reasons"]) == (200, True)
    assert re.search(r"accepted status +200\b", (await run_command("client", "show", client_id, *data)).out)

    unknown = uuid4()
    for command in (("show", unknown), ("update", unknown, "--accepted-status", "200")):
        refused(await run_command("client", *command, *data), f"there is no client {unknown}")
    refused(await run_command("client", "update", client_id, "--accepted-status", "201", *data), "200, 202", 2)


async def instruments_are_loaded_whole_or_not_at_all(service: Service, folder: Path) -> None:
    heading = "isin,wkn,name,currency,minimum_amount,fractional,trading_status,price\n"
    good = folder / "good.csv"
    good.write_text(heading + "US0378331005,865985,Apple Inc.,USD,1.00,true,ACTIVE,231.5\n")
    loaded = await run_command("instruments", "load", good, "--json", "--data-dir", service.data_dir)
    assert loaded.lines == [{"added": 1, "changed": 0, "unchanged": 0}]

    bad = folder / "bad.csv"
    bad.write_text(heading + "US0378331006,865985,Apple Inc.,USD,1.00,perhaps,ACTIVE,0\n")
    finished = await run_command("instruments", "load", bad, "--data-dir", service.data_dir)
    refused(finished, "line 2, isin")
    refused(finished, "line 2, fractional: must be true or false, not 'perhaps'")
    refused(finished, "line 2, price: must be greater than 0")


async def an_operator_looks_around(service: Service) -> None:
    data = ("--data-dir", service.data_dir)
    assert (await run_command("migrate", *data)).out.strip() == "the database is up to date"
    doctor = await run_command("doctor", *data)
    assert doctor.code == 0, doctor.out
    assert "all 64 lanes have one" in doctor.out
    assert (await run_command("quarantine", "list", *data)).out.strip() == "nothing is in quarantine"
    refused(await run_command("quarantine", "release", 7, *data), "there is no quarantined message 7")
    unknown = uuid4()
    refused(await run_command("portfolio-order", "show", unknown, *data), f"there is no portfolio order {unknown}")
    misspelled = await run_command("doctor", *data, settings={"ORDERLANE_PROT": "1"})
    refused(misspelled, "there is no setting ORDERLANE_PROT: a misspelled name?")
