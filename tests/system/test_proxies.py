"""Behind a reverse proxy: what it says of the client is believed, what anybody else says is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from tests.system.integrators import new_client
from tests.system.processes import Program, Service, running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 5


class Site:
    """A service that is reached directly, and an API process on the same data that trusts a proxy on this machine."""

    def __init__(self, service: Service, proxied_url: str) -> None:
        self.service, self.proxied_url = service, proxied_url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    limit = {"ORDERLANE_TOKEN_REQUESTS_PER_MINUTE": str(LIMIT), "ORDERLANE_LOG_LEVEL": "warning"}
    async with running_service(folder, **limit) as service:
        settings = {**limit, "ORDERLANE_TRUSTED_PROXIES": "127.0.0.1"}
        proxied = Program(("api", "--port", "0", "--data-dir", str(service.data_dir)), folder / "api.log", settings)
        await proxied.start()
        try:
            yield Site(service, (await proxied.wait_for("listening"))["url"])
        finally:
            await proxied.stop()


async def guess(url: str, times: int, **forwarded: str) -> list[int]:
    """Ask for tokens with a wrong secret, as a proxy would pass it on."""
    headers = {name.replace("_", "-"): value for name, value in forwarded.items()}
    form = {"client_id": "nobody", "client_secret": "wrong", "grant_type": "client_credentials"}
    async with httpx.AsyncClient(base_url=url) as http:
        return [(await http.post("/auth/token", data=form, headers=headers)).status_code for _ in range(times)]


async def test_addresses_are_limited_apart_behind_a_proxy_and_nobody_can_make_them_up(site: Site) -> None:
    proxied, direct = site.proxied_url, site.service.url

    assert await guess(proxied, LIMIT + 1, x_forwarded_for="192.0.2.1") == [401] * LIMIT + [429]
    assert await guess(proxied, 1, x_forwarded_for="192.0.2.2") == [401]
    assert await guess(proxied, 1, x_forwarded_for="192.0.2.99, 192.0.2.1") == [429], "the proxy's own word counts"
    assert await guess(proxied, 1, x_forwarded_for="no:address") == [401]

    assert await guess(direct, LIMIT, x_forwarded_for="192.0.2.1") == [401] * LIMIT
    assert await guess(direct, 1, x_forwarded_for="192.0.2.2") == [429]


class OwnKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self.key

    def resolve_public_key(self, key_id: str) -> None:
        raise NotImplementedError


async def test_a_signature_over_the_address_that_the_client_used_is_accepted(site: Site, tmp_path: Path) -> None:
    """The client signed `@target-uri` with https and the public name; the proxy passes the request on over http."""
    key = Ed25519PrivateKey.generate()
    public = tmp_path / "public.pem"
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    client = await new_client(site.service, "--public-key", public)
    form = {**{name: client[name] for name in ("client_id", "client_secret")}, "grant_type": "client_credentials"}
    async with httpx.AsyncClient() as http:
        asked = await http.post(f"{site.proxied_url}/auth/token", data=form, headers={"x-forwarded-for": "192.0.2.3"})
        token = asked.json()["access_token"]
        for url, forwarded, status in (
            (site.proxied_url, {"x-forwarded-proto": "https"}, 200),
            (site.proxied_url, {}, 401),
            (site.service.url, {"x-forwarded-proto": "https"}, 401),
        ):
            signed = httpx.Request(
                "GET", "https://orders.example.com/users?limit=2", headers={"authorization": f"Bearer {token}"}
            )
            signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=OwnKey(key))
            signer.sign(
                signed,
                key_id=client["key_id"],
                covered_component_ids=("@method", "@target-uri", "authorization"),
                nonce=f"{url} {len(forwarded)}",
            )
            headers = {**signed.headers, **forwarded, "host": "orders.example.com"}

            assert (await http.get(f"{url}/users?limit=2", headers=headers)).status_code == status
