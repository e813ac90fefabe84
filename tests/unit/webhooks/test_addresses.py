"""Where webhooks may go: the rules for URLs, and the addresses to which no connection is made."""

import socket
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.ports.errors import Invalid
from orderlane.webhooks.addresses import AddressGuard, AddressRefused, special_kind

PRODUCTION = AddressGuard()
DEVELOPMENT = AddressGuard(allow_insecure=True)

REFUSED = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1", "fec0::1"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved": ["192.0.0.8", "240.0.0.1", "255.255.255.255", "100::1", "4000::1", "5f00::1"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "IPv4 inside IPv6": [
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::808:808",
        "64:ff9b:1::a00:1",
        "2001:0:4136:e378::1",
        "2002:7f00:1::",
    ],
    "cloud platform": ["168.63.129.16", "161.26.0.10", "166.8.0.1", "166.11.255.254", "199.36.153.4", "199.36.153.11"],
    "special-purpose": ["192.88.99.1", "192.31.196.1", "192.175.48.1", "2001:10::1", "2620:4f:8000::1"],
}
ALLOWED = [
    "8.8.8.8",
    "168.63.129.15",
    "168.63.129.17",
    "166.12.0.1",
    "161.27.0.1",
    "199.36.153.12",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "198.20.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, all_of in REFUSED.items() for one in all_of])
def test_special_addresses_are_refused_by_name(kind: str, address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        PRODUCTION.check_address(address)

    assert refused.value.kind == kind
    assert str(address) in str(refused.value)


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    PRODUCTION.check_address(address)
    DEVELOPMENT.check_address(address)


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, all_of in REFUSED.items() for one in all_of])
def test_development_allows_loopback_and_nothing_else(kind: str, address: str) -> None:
    if kind == "loopback":
        DEVELOPMENT.check_address(address)
        return
    with pytest.raises(AddressRefused):
        DEVELOPMENT.check_address(address)


PLATFORMS = [
    "168.63.129.16",  # Azure
    "169.254.169.254",  # AWS, Azure, Google Cloud, Oracle, OpenStack and others
    "169.254.170.2",  # AWS, containers
    "169.254.0.23",  # Tencent
    "169.254.42.42",  # Scaleway
    "100.100.100.200",  # Alibaba
    "192.0.0.192",  # Oracle, classic
    "161.26.0.10",  # IBM
    "fd00:ec2::254",  # AWS
    "fd20:ce::254",  # Google Cloud
    "fd00:c1::a9fe:a9fe",  # Oracle
    "fd00:42::42",  # Scaleway
    "fe80::a9fe:a9fe",  # OpenStack, Akamai
]


def inside_ipv6(address: str) -> list[str]:
    """An IPv4 address in every form in which an IPv6 address may hold it."""
    number = int(ip_address(address))
    teredo = 0x20010000 << 96 | 0x01020304 << 64 | (number ^ 0xFFFFFFFF)
    sixtofour = 0x2002 << 112 | number << 80
    prefixes = [ip_address(prefix) for prefix in ("::ffff:0:0", "::ffff:0:0:0", "::", "64:ff9b::", "64:ff9b:1::")]
    return [str(IPv6Address(int(prefix) | number)) for prefix in prefixes] + [
        str(IPv6Address(teredo)),
        str(IPv6Address(sixtofour)),
    ]


@pytest.mark.parametrize("address", PLATFORMS)
def test_the_platform_addresses_of_clouds_are_refused_in_every_form(address: str) -> None:
    forms = [address] if ":" in address else [address, *inside_ipv6(address)]
    for guard in (PRODUCTION, DEVELOPMENT):
        for form in forms:
            with pytest.raises(AddressRefused):
                guard.check_address(form)


@given(st.ip_addresses())
def test_whatever_the_standard_library_knows_as_not_global_is_refused(address: object) -> None:
    known_differences = [ip_network("192.0.0.0/24"), ip_network("2001::/23")]
    one = ip_address(str(address))
    if not one.is_global and not any(one in network for network in known_differences):
        assert special_kind(one) is not None


def test_sockets_are_made_after_their_address_is_checked() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("169.254.169.254", 443))

    with pytest.raises(AddressRefused):
        PRODUCTION.open_socket(info)
    with DEVELOPMENT.open_socket((*info[:4], ("127.0.0.1", 443))) as made:
        assert made.family == socket.AF_INET


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/",
        "https://hooks.example.com:8443/a/b%20c?x=1&y=%2F",
        "https://HOOKS.Example.com/A",
        "https://xn--bcher-kva.example/",
        "https://hooks.example.com./x",
        "https://a.b.c.d.example.com:443/",
    ],
)
def test_urls_that_are_allowed(url: str) -> None:
    PRODUCTION.check_url(url)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://hooks.example.com", "must begin with https://"),
        ("ftp://hooks.example.com", "must begin with https://"),
        ("hooks.example.com", "must begin with https://"),
        ("", "must be ASCII"),
        ("https://", "must name its host"),
        ("https://127.0.0.1/", "not by an address"),
        ("https://127.1/", "not by an address"),
        ("https://2130706433/", "not by an address"),
        ("https://0x7f000001/", "not by an address"),
        ("https://0177.0.0.1/", "not by an address"),
        ("https://[::1]/", "not by an address"),
        ("https://8.8.8.8/", "not by an address"),
        ("https://localhost/", "full DNS name"),
        ("https://intranet/", "full DNS name"),
        ("https://-a.example.com/", "full DNS name"),
        ("https://a_b.example.com/", "full DNS name"),
        ("https://user@hooks.example.com/", "credentials"),
        ("https://user:pass@hooks.example.com/", "credentials"),
        ("https://hooks.example.com\\@internal/", "credentials"),
        ("https://hooks.example.com/a#b", "fragment"),
        ("https://hooks.example.com/a\\b", "backslash"),
        ("https://hooks.example.com:22/", "port"),
        ("https://hooks.example.com:80/", "port"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:65536/", "must be a URL"),
        ("https://hooks.example.com:x/", "must be a URL"),
        ("https://[::1/", "must be a URL"),
        ("https://hooks.example.com/a b", "must be ASCII"),
        ("https://hooks.example.com/\r\nhost: internal", "must be ASCII"),
        ("https://bücher.example/", "must be ASCII"),
        ("https://hooks.example.com/" + "a" * 1000, "at most 1000"),
    ],
)
def test_urls_that_are_refused_with_the_rule(url: str, rule: str) -> None:
    with pytest.raises(Invalid, match="url") as refused:
        PRODUCTION.check_url(url)

    assert rule in refused.value.message


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/x", "http://localhost:3000", "http://[::1]:9000/", "http://hooks.example.com"]
)
def test_development_allows_http_and_loopback(url: str) -> None:
    DEVELOPMENT.check_url(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://169.254.169.254/latest", "ftp://localhost/", "http://a@b.de"]
)
def test_development_refuses_the_rest(url: str) -> None:
    with pytest.raises(Invalid):
        DEVELOPMENT.check_url(url)
