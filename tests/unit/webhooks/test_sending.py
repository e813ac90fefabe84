"""The transport on real sockets: what goes out, what is read, and why something did not go out."""

import asyncio
import os
import resource
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import perf_counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orderlane.domain.ids import ClientId
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.sending import HttpTransport, NameResolver, SendingLimits
from tests.unit.webhooks.peers import DEVELOPMENT, NO_CONTENT, drip, failure, hang_up, peer, refused, saying, silent

SHORT = SendingLimits(connect_seconds_max=0.2, total_seconds_max=0.3, answer_bytes_max=1000)


async def test_a_request_goes_out_exactly_as_it_was_signed() -> None:
    async with peer(NO_CONTENT) as one, HttpTransport(DEVELOPMENT) as transport:
        url = f"http://localhost:{one.port}/a%2Fb/%7Ec?x=%20&y=a+b"
        answer = await transport.post(url, {"content-type": "application/json", "webhook-id": "7"}, b'{"payload":[]}')

    assert (answer.status, answer.headers["x-answer"], answer.body) == (204, "yes", b"")
    lines = one.requests[0].decode().split("\r\n")
    assert lines[0] == "POST /a%2Fb/%7Ec?x=%20&y=a+b HTTP/1.1"
    names = sorted(line.partition(":")[0].lower() for line in lines[1:-2])
    assert names == ["accept", "content-length", "content-type", "host", "user-agent", "webhook-id"]
    assert lines[-1] == '{"payload":[]}'


async def test_connections_are_kept_and_no_cookie_is() -> None:
    cookie = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"
    async with peer(saying(cookie)) as one, HttpTransport(DEVELOPMENT) as transport:
        for _ in range(3):
            assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).body == b"ok"

    assert one.connections == 1
    assert not any(b"cookie" in request.lower() for request in one.requests)


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with peer(NO_CONTENT) as one, HttpTransport(DEVELOPMENT) as transport:
        assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 204


async def test_a_redirect_is_an_answer_like_any_other() -> None:
    async with peer(NO_CONTENT) as elsewhere:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        async with peer(saying(moved)) as one, HttpTransport(DEVELOPMENT) as transport:
            assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 307
        assert elsewhere.requests == []


async def test_only_the_beginning_of_an_answer_is_read_and_nothing_is_unpacked() -> None:
    endless = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n" + "x" * 5000
    async with peer(saying(endless)) as one, HttpTransport(DEVELOPMENT, SHORT) as transport:
        for _ in range(2):
            assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).body == b"x" * 1000

    assert one.connections == 2


async def test_no_answer_in_time() -> None:
    async with peer(silent) as one, HttpTransport(DEVELOPMENT, SHORT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "timeout"


async def test_an_answer_without_an_end() -> None:
    async with peer(drip) as one, HttpTransport(DEVELOPMENT, SHORT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "timeout"


async def test_no_connection_in_time() -> None:
    async with peer(silent) as one, HttpTransport(DEVELOPMENT, SHORT) as transport:
        assert await refused(transport, f"https://localhost:{one.port}/") == "connect_timeout"


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with HttpTransport(DEVELOPMENT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{port}/") == "connection_refused"


@contextmanager
def without_descriptors() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.dup(0)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 50, hard))
    try:
        with suppress(OSError):
            while True:
                opened.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in opened:
            os.close(descriptor)


async def test_a_process_without_descriptors_is_at_fault_itself() -> None:
    async with peer(NO_CONTENT) as one, HttpTransport(DEVELOPMENT) as transport:
        with without_descriptors():
            not_sent = await failure(transport, f"http://127.0.0.1:{one.port}/")

    assert (not_sent.code, not_sent.is_ours) == ("no_descriptors", True)
    assert one.connections == 0


async def test_of_a_name_with_many_addresses_two_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a socket at once, and all of them count as one request."""
    addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "::1", "127.0.0.5"]
    answers = [Names(address)("", 80)[0] for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answers)
    resolver = NameResolver(1)

    assert [result["host"] for result in await resolver.resolve("many.example.com", 80)] == ["127.0.0.2", "::1"]
    answers.pop(3)
    assert [result["host"] for result in await resolver.resolve("many.example.com", 80)] == ["127.0.0.2", "127.0.0.3"]
    await resolver.close()


async def test_a_client_whose_name_servers_are_silent_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, lookups = threading.Event(), []

    def look_up(host: str, *rest: object) -> list[tuple[object, ...]]:
        if host != "localhost":
            lookups.append(host)
            answers.wait(20)
        return Names("127.0.0.1")(host, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    greedy, other = ClientId("a"), ClientId("b")
    limits = SendingLimits(name_lookups_max=4)
    async with peer(NO_CONTENT) as one, HttpTransport(DEVELOPMENT, limits) as transport:
        urls = [f"https://hooks{number}.example.com:{one.port}/" for number in range(20)]
        hanging = [asyncio.create_task(transport.post(url, {}, b"{}", client_id=greedy)) for url in urls]
        async with asyncio.timeout(20):
            while len(lookups) < 2:
                await asyncio.sleep(0.01)

        assert (await transport.post(f"http://localhost:{one.port}/", {}, b"{}", client_id=other)).status == 204
        assert len(lookups) == 2
        answers.set()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_something_else_than_http() -> None:
    async with peer(saying("220 smtp ready\r\n")) as one, HttpTransport(DEVELOPMENT, SHORT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "not_http"


async def test_a_new_connection_that_is_closed_without_an_answer() -> None:
    async with peer(hang_up) as one, HttpTransport(DEVELOPMENT) as transport:
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "disconnected"

    assert len(one.requests) == 1


async def test_a_kept_connection_that_is_closed_meanwhile_is_no_failure() -> None:
    answers = [NO_CONTENT, hang_up, NO_CONTENT]

    async def talk(head: bytes, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(head, writer)

    async with peer(talk) as one, HttpTransport(DEVELOPMENT) as transport:
        for _ in range(2):
            assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 204

    assert (one.connections, len(one.requests)) == (2, 3)


async def test_a_kept_connection_that_is_closed_late_is_not_replaced() -> None:
    """The process may have been frozen meanwhile, and another sender may be at work."""
    answers = [NO_CONTENT, hang_up, NO_CONTENT]

    async def talk(head: bytes, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(head, writer)

    limits = SendingLimits(resend_seconds_max=-1.0)
    async with peer(talk) as one, HttpTransport(DEVELOPMENT, limits) as transport:
        assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 204
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "disconnected"

    assert (one.connections, len(one.requests)) == (1, 2)


async def test_the_time_of_a_request_counts_a_second_try_too() -> None:
    async def late_hang_up(_: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.close()

    answers = [NO_CONTENT, late_hang_up, silent]

    async def talk(head: bytes, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(head, writer)

    limits = SendingLimits(total_seconds_max=0.8)
    async with peer(talk) as one, HttpTransport(DEVELOPMENT, limits) as transport:
        assert (await transport.post(f"http://127.0.0.1:{one.port}/", {}, b"{}")).status == 204
        began = perf_counter()
        assert await refused(transport, f"http://127.0.0.1:{one.port}/") == "timeout"
        assert perf_counter() - began < 1.2

    assert len(one.requests) == 3


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://u:p@hooks.example.com/"])
async def test_a_url_that_is_not_allowed_any_more(url: str) -> None:
    async with HttpTransport(AddressGuard()) as transport:
        assert await refused(transport, url) == "url_refused"


class Names:
    """A name server that says what the test says, in turn."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def __call__(self, host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        address = self._answers.pop(0)
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


async def test_a_name_that_leads_inside_is_refused_when_the_connection_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "::1")
    monkeypatch.setattr(socket, "getaddrinfo", Names(*inside))
    async with peer(NO_CONTENT) as one, HttpTransport(AddressGuard()) as transport:
        for number, _ in enumerate(inside):
            url = f"https://hooks{number}.example.com:{one.port}/"
            assert await refused(transport, url) == "address_refused"

    assert one.connections == 0


async def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with HttpTransport(AddressGuard()) as transport:
        assert await refused(transport, "https://hooks.example.com/") == "name_not_found"


async def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent_server(*_: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent_server)
    async with HttpTransport(AddressGuard()) as transport:
        assert await refused(transport, "https://hooks.example.com/") == "name_lookup_failed"


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with (
        peer(NO_CONTENT, tls=self_signed("localhost", tmp_path)) as one,
        HttpTransport(DEVELOPMENT) as transport,
    ):
        not_sent = await failure(transport, f"https://localhost:{one.port}/")

    assert (not_sent.code, not_sent.detail) == ("tls_failed", "the receiver's certificate is signed by itself")
    assert one.requests == []


def self_signed(host: str, folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
