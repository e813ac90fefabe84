"""What signatures keep out, seen by the published client against started processes: two API processes on one database.

The first is the whole service with the settings of production, the second an API with those for development.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from upvest_investment_api import AuthorisationError

from orderlane_client import RequestSigner, SignatureForm
from tests.system.integrators import (
    PASSPHRASE,
    SECONDS_MAX,
    Integrator,
    KeyPair,
    configured,
    environment_of,
    new_client,
    new_key_pair,
    ordered,
    problem,
)
from tests.system.processes import Program, Service, running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EFFECTIVE_SECONDS_MAX = 10


@dataclass
class Site:
    """The two API processes."""

    service: Service
    development_url: str


@dataclass
class Signing:
    """An integrator that must sign, its key pair and client, and the site."""

    site: Site
    client: dict[str, str]
    pair: KeyPair
    integrator: Integrator

    def with_pair(self, pair: KeyPair, key_id: str) -> Integrator:
        """The same client, signing with another key; with a token of its own."""
        client = {**self.client, "key_id": key_id}
        return configured(environment_of(self.site.service.url, client, pair, as_file=True))

    def borrow_token(self, borrower: Integrator) -> None:
        """Let another integrator use this one's token instead of fetching its own."""
        borrower.auth.auth_token = {"access_token": self.token()}
        borrower.auth.auth_token_expiry = datetime.now() + timedelta(hours=1)  # noqa: DTZ005 - the client reckons so

    def signer(self, seconds: float) -> RequestSigner:
        """A signer whose clock goes ahead by so many seconds."""
        key = load_pem_private_key(self.pair.private.read_bytes(), PASSPHRASE.encode())
        return RequestSigner(self.client["key_id"], key, SignatureForm.DRAFT_15, clock=lambda: time.time() + seconds)

    def token(self) -> str:
        self.integrator.get("/users")
        return str(self.integrator.auth.auth_token["access_token"])

    def prepared(self, method: str = "GET", path: str = "/users?limit=2", **request: Any) -> requests.PreparedRequest:
        """A signed request, ready to be sent: how, and how often, is the test's business."""
        url = self.site.service.url + path
        return requests.Request(method, url, auth=self.integrator.auth, **request).prepare()


def sent(request: requests.PreparedRequest) -> requests.Response:
    with requests.Session() as session:
        return session.send(request, timeout=SECONDS_MAX)


def refused(answer: requests.Response, check: str, component: str = "signature") -> dict[str, Any]:
    """The problem document of a signature that fails this check."""
    document = problem(answer, 401, "signature_refused")
    [error] = document["errors"]
    assert error["field"] == component
    assert error["message"].startswith(f"{check}: "), error
    return document


async def becomes(attempt: Callable[[], requests.Response], status: int) -> requests.Response:
    """Try until it is answered so: what an operator changes is effective within seconds."""
    deadline = asyncio.get_running_loop().time() + EFFECTIVE_SECONDS_MAX
    while asyncio.get_running_loop().time() < deadline:
        answer = await asyncio.to_thread(attempt)
        if answer.status_code == status:
            return answer
    raise AssertionError(f"still {answer.status_code}: {answer.text}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    async with running_service(folder, ORDERLANE_LOG_LEVEL="warning") as service:
        arguments = ("api", "--port", "0", "--data-dir", str(service.data_dir), "--development")
        second = Program(arguments, folder / "api.log", service.settings)
        await second.start()
        try:
            yield Site(service, (await second.wait_for("listening"))["url"])
        finally:
            await second.stop()


@pytest.fixture
def new_pair(tmp_path: Path) -> Callable[[], KeyPair]:
    return lambda: new_key_pair(tmp_path, "P-256")


async def new_signing(site: Site, folder: Path) -> Signing:
    pair = new_key_pair(folder, "P-256")
    client = await new_client(site.service, "--require-signatures", "--public-key", pair.public)
    return Signing(site, client, pair, configured(environment_of(site.service.url, client, pair, as_file=True)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signing(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Signing:
    """An integrator whose client and keys stay as they are."""
    return await new_signing(site, tmp_path_factory.mktemp("signing"))


@pytest_asyncio.fixture(loop_scope="module")
async def changing(site: Site, tmp_path: Path) -> Signing:
    """An integrator whose client and keys the test changes."""
    return await new_signing(site, tmp_path)


async def in_thread(test: Callable[[], None]) -> None:
    await asyncio.to_thread(test)


async def test_an_unsigned_request_is_refused_when_the_client_must_sign(signing: Signing) -> None:
    def test() -> None:
        url, client = signing.site.service.url, signing.client
        headers = {"authorization": f"Bearer {signing.token()}"}
        problem(requests.get(f"{url}/users", headers=headers, timeout=SECONDS_MAX), 401, "signature_required")
        stripped = signing.prepared()
        for name in ("signature", "signature-input"):
            del stripped.headers[name]
        problem(sent(stripped), 401, "signature_required")
        form = {
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "grant_type": "client_credentials",
        }
        problem(requests.post(f"{url}/auth/token", data=form, timeout=SECONDS_MAX), 401, "signature_required")

    await in_thread(test)


async def test_another_key_is_refused(signing: Signing, new_pair: Callable[[], KeyPair]) -> None:
    def test() -> None:
        stranger = signing.with_pair(new_pair(), signing.client["key_id"])
        with pytest.raises(AuthorisationError) as failure:
            stranger.get("/users")
        refused(failure.value.response, "signature_mismatch")
        signing.borrow_token(stranger)
        refused(stranger.send("GET", "/users"), "signature_mismatch")
        with pytest.raises(AuthorisationError) as failure:
            signing.with_pair(signing.pair, "no-such-key").get("/users")
        refused(failure.value.response, "key_unknown")

    await in_thread(test)


async def test_a_key_of_another_client_is_refused(
    signing: Signing, site: Site, new_pair: Callable[[], KeyPair]
) -> None:
    pair = new_pair()
    other = await new_client(site.service, "--require-signatures", "--public-key", pair.public)

    def test() -> None:
        impostor = signing.with_pair(pair, other["key_id"])
        signing.borrow_token(impostor)
        refused(impostor.send("GET", "/users"), "key_unknown")

    await in_thread(test)


async def test_a_replayed_request_is_refused_by_every_process(signing: Signing) -> None:
    def test() -> None:
        for first, second in (("service", "development"), ("development", "service"), ("service", "service")):
            urls = {"service": signing.site.service.url, "development": signing.site.development_url}
            request = signing.prepared()
            answers = []
            for which in (first, second):
                request.url = f"{urls[which]}/users?limit=2"
                answers.append(sent(request))
            assert answers[0].status_code == 200
            problem(answers[1], 401, "nonce_reused")

    await in_thread(test)


async def test_of_many_at_once_one_is_accepted(signing: Signing) -> None:
    request = await asyncio.to_thread(signing.prepared)
    other = request.copy()
    other.url = f"{signing.site.development_url}/users?limit=2"

    answers = await asyncio.gather(*(asyncio.to_thread(sent, one) for one in [request, other] * 8))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15


async def test_times_out_of_bounds_are_refused(signing: Signing) -> None:
    def test() -> None:
        url = f"{signing.site.service.url}/users"
        headers = {"authorization": f"Bearer {signing.token()}"}

        def attempt(seconds: float) -> requests.Response:
            signed = signing.signer(seconds).sign("GET", "/users", headers)
            return requests.get(url, headers={**headers, **signed}, timeout=SECONDS_MAX)

        refused(attempt(-3600), "expired")
        refused(attempt(3600), "created_in_future")
        assert attempt(0).status_code == 200

    await in_thread(test)


def change_body(request: requests.PreparedRequest) -> None:
    request.body = b'{"title": "b"}'


def change_digest_too(request: requests.PreparedRequest) -> None:
    request.body = b'{"title": "b"}'
    request.headers["content-digest"] = "sha-512=:AAAA:"


def change_path(request: requests.PreparedRequest) -> None:
    request.url = str(request.url).replace("/users", "/accounts")


def change_query(request: requests.PreparedRequest) -> None:
    request.url = str(request.url).replace("limit=2", "limit=3")


def add_key(request: requests.PreparedRequest) -> None:
    request.headers["idempotency-key"] = "7f4dc7c2-6b4a-4f43-8f0a-3a2f9f1c2b1d"


def drop_digest(request: requests.PreparedRequest) -> None:
    del request.headers["content-digest"]


def empty_signature(request: requests.PreparedRequest) -> None:
    request.headers["signature"] = ""


def name_another_version(request: requests.PreparedRequest) -> None:
    request.headers["upvest-signature-version"] = "6"


@pytest.mark.parametrize(
    ("change", "check", "component"),
    [
        (change_body, "digest", "content-digest"),
        (change_digest_too, "digest", "content-digest"),
        (change_path, "signature_mismatch", "signature"),
        (change_query, "signature_mismatch", "signature"),
        (add_key, "component_not_covered", "idempotency-key"),
        (drop_digest, "component_absent", "content-digest"),
        (empty_signature, "signature_malformed", "signature"),
        (name_another_version, "signature_version", "upvest-signature-version"),
    ],
)
async def test_what_is_changed_on_the_way_is_refused_and_the_answer_says_what(
    signing: Signing, change: Callable[[requests.PreparedRequest], None], check: str, component: str
) -> None:
    def test() -> None:
        request = signing.prepared("POST", "/users?limit=2", json={"title": "a"})
        change(request)
        refused(sent(request), check, component)

    await in_thread(test)


async def test_the_signature_base_is_told_in_a_development_setting_only(signing: Signing) -> None:
    def test() -> None:
        token = signing.token()
        for url, is_development in ((signing.site.service.url, False), (signing.site.development_url, True)):
            request = signing.prepared()
            request.url = f"{url}/users?limit=3"
            document = refused(sent(request), "signature_mismatch")
            assert ("signature_base" in document) is is_development
            assert (token in json.dumps(document)) is is_development
            if is_development:
                assert '"@query": ?limit=3\n' in document["signature_base"]
            else:
                assert set(document) == {"type", "title", "status", "detail", "instance", "request_id", "errors"}

    await in_thread(test)


async def test_keys_rotate_with_overlap(changing: Signing, new_pair: Callable[[], KeyPair]) -> None:
    service, client_id, old_key = changing.site.service, changing.client["client_id"], changing.client["key_id"]
    pair = new_pair()
    added = await ordered(service, "client", "key", "add", client_id, "--public-key", pair.public, "--json")
    renewed = changing.with_pair(pair, added["key_id"])

    assert (await asyncio.to_thread(renewed.send, "GET", "/users")).status_code == 200
    assert (await asyncio.to_thread(changing.integrator.send, "GET", "/users")).status_code == 200

    await ordered(service, "client", "key", "revoke", client_id, old_key)
    answer = await becomes(lambda: changing.integrator.send("GET", "/users"), 401)
    refused(answer, "key_unknown")
    assert (await asyncio.to_thread(renewed.send, "GET", "/users")).status_code == 200


async def test_a_key_ends_when_it_was_told_to(changing: Signing, new_pair: Callable[[], KeyPair]) -> None:
    client_id = changing.client["client_id"]
    found = {}
    for hours in (-1, 1):
        pair, ends = new_pair(), (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        options = ("--public-key", pair.public, "--expires-at", ends, "--json")
        added = await ordered(changing.site.service, "client", "key", "add", client_id, *options)
        limited = changing.with_pair(pair, added["key_id"])
        await asyncio.to_thread(changing.borrow_token, limited)
        found[hours] = await asyncio.to_thread(limited.send, "GET", "/users")

    refused(found[-1], "key_unknown")
    assert found[1].status_code == 200


async def test_a_client_that_is_shut_out_is_out_within_seconds(changing: Signing) -> None:
    assert (await asyncio.to_thread(changing.integrator.send, "GET", "/users")).status_code == 200
    await ordered(changing.site.service, "client", "revoke", changing.client["client_id"])

    problem(await becomes(lambda: changing.integrator.send("GET", "/users"), 401), 401, "invalid_token")
    with pytest.raises(AuthorisationError) as failure:
        await asyncio.to_thread(changing.with_pair(changing.pair, changing.client["key_id"]).send, "GET", "/users")
    problem(failure.value.response, 401, "invalid_client")


async def test_what_is_no_request_is_refused_before_anybody_looks_at_it(site: Site) -> None:
    """The started service is served over the bounded protocol: a smuggled request and a large head get nowhere."""
    host, _, port = site.service.url.removeprefix("http://").partition(":")
    smuggling = (
        b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
    )
    large = b"GET /users HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 40_000 + b"\r\n\r\n"
    for attack, status, code in ((smuggling, 400, "malformed_request"), (large, 431, "head_too_large")):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(attack)
        async with asyncio.timeout(SECONDS_MAX):
            answer = await reader.read()
        writer.close()

        assert answer.startswith(b"HTTP/1.1 %d " % status)
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert problem["type"] == f"http://{host}:{port}/errors/{code}"
