"""The address guard: where webhooks may go, so that no subscription reaches into the operator's own network.

A URL is checked when it is stored and again before each request; what counts is the address that each connection
really goes to, checked when its socket is made. So a name that resolves to something else later gains nothing.
"""

import re
import socket
from collections.abc import Callable, Iterator
from errno import EACCES
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from aiohttp import AddrInfoType

from orderlane.ports.errors import Invalid

URL_LENGTH_MAX: Final = 1000
_VISIBLE: Final = re.compile(r"[!-~]+")
_DNS_NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NETWORKS: Final = {
    "unspecified": "0.0.0.0/8 ::/128",
    "loopback": "127.0.0.0/8 ::1/128",
    "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
    "carrier-grade NAT": "100.64.0.0/10",
    "link-local": "169.254.0.0/16 fe80::/10",
    "multicast": "224.0.0.0/4 ff00::/8",
    "reserved": "192.0.0.0/24 240.0.0.0/4 100::/64 100:0:0:1::/64 5f00::/16",
    "documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    "benchmarking": "198.18.0.0/15 2001:2::/48",
    "IPv4 inside IPv6": "::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2002::/16 ::/96",
    "special-purpose": "192.88.99.0/24 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 2001::/23 2620:4f:8000::/48",
}
"""Every network of the IANA special-purpose registries that no subscriber can be in, by what it is for."""

_PLATFORM_NETWORKS: Final = "168.63.129.16/32 161.26.0.0/16 166.8.0.0/14 199.36.153.4/30 199.36.153.8/30"
"""Public addresses at which a cloud serves its own tenants, so that from inside they lead to the platform.

- 168.63.129.16: Azure's host node (WireServer, DNS, health probes), in every region and national cloud.
  Microsoft Learn, Azure Virtual Network, "What is IP address 168.63.129.16?"
- 161.26.0.0/16, 166.8.0.0/14: IBM Cloud's infrastructure and service endpoints.
  IBM Cloud Docs, VPC, "Service endpoints for IBM Cloud VPC"
- 199.36.153.4/30, 199.36.153.8/30: restricted.googleapis.com and private.googleapis.com.
  Google Cloud, VPC, "Private Google Access"

The other platform addresses lie in special networks, and are refused as such:

- 169.254.169.254: AWS, Azure, Google Cloud, Oracle, IBM, DigitalOcean, Hetzner, OpenStack; 169.254.170.2 and
  169.254.170.23: AWS containers; 169.254.169.253 and .123: AWS DNS and time; 169.254.0.23: Tencent; 169.254.42.42:
  Scaleway; fe80::a9fe:a9fe: OpenStack, Akamai (link-local)
- 100.100.100.200: Alibaba (carrier-grade NAT)
- 192.0.0.192: Oracle Cloud Classic (reserved)
- fd00:ec2::254, ::253 and ::23: AWS; fd20:ce::254: Google Cloud; fd00:c1::a9fe:a9fe: Oracle; fd00:42::42: Scaleway
  (private)
- any of them inside an IPv6 address: mapped, NAT64, 6to4, Teredo (IPv4 inside IPv6)
"""


def _networks() -> Iterator[tuple[str, Network]]:
    for kind, networks in {**_NETWORKS, "cloud platform": _PLATFORM_NETWORKS}.items():
        yield from ((kind, ip_network(network)) for network in networks.split())


_REFUSED: Final = tuple(_networks())
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


class AddressRefused(OSError):
    """A connection would go to an address to which no webhook may go; `kind` says what that address is for."""

    def __init__(self, address: str, kind: str) -> None:
        super().__init__(EACCES, f"no webhook may go to {address}: this is a {kind} address")
        self.address, self.kind = address, kind


def special_kind(address: Address) -> str | None:
    """What a special address is for; None for one of the public internet."""
    for kind, network in _REFUSED:
        if address.version == network.version and address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return None


class AddressGuard:
    """The rules for where webhooks may go.

    `allow_insecure` is for development: it allows http, and this machine's loopback addresses and names.
    """

    def __init__(self, *, allow_insecure: bool = False) -> None:
        self._allow_insecure = allow_insecure

    def check_url(self, url: str) -> None:
        """Check whether webhooks may go to this URL.

        Raises:
            Invalid: names the rule that the URL breaks.
        """
        if len(url) > URL_LENGTH_MAX:
            raise Invalid("url", f"must have at most {URL_LENGTH_MAX} characters")
        if _VISIBLE.fullmatch(url) is None:
            raise Invalid("url", "must be ASCII without spaces: percent-encode the path, write the host in Punycode")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Invalid("url", f"must be a URL: {error}") from None
        self._check_parts(parts)
        self._check_port(port)
        self._check_host((parts.hostname or "").removesuffix("."))

    def _check_parts(self, parts: SplitResult) -> None:
        schemes = ("https", "http") if self._allow_insecure else ("https",)
        if parts.scheme not in schemes:
            raise Invalid("url", f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if "@" in parts.netloc:
            raise Invalid("url", "must not hold credentials: requests are signed instead")
        if parts.fragment or "\\" in parts.geturl():
            raise Invalid("url", "must not hold a fragment or a backslash")

    def _check_port(self, port: int | None) -> None:
        if port is not None and port != 443 and not (port == 80 and self._allow_insecure) and not 1024 <= port <= 65535:
            raise Invalid("url", "must have no port, port 443, or one from 1024 to 65535")

    def _check_host(self, host: str) -> None:
        if self._allow_insecure and (host == "localhost" or _is_loopback(host)):
            return
        if _DNS_NAME.fullmatch(host) is None:
            raise Invalid("url", "must name its host by a full DNS name such as hooks.example.com, not by an address")

    def check_address(self, host: str) -> None:
        """Check whether a connection may go to this address.

        Raises:
            AddressRefused: it may not.
        """
        address = ip_address(host.partition("%")[0])
        kind = special_kind(address)
        if kind is not None and not (self._allow_insecure and kind == "loopback"):
            raise AddressRefused(host, kind)

    @property
    def open_socket(self) -> Callable[[AddrInfoType], socket.socket]:
        """Makes the sockets of connections, each after its address was checked."""
        return self._open_socket

    def _open_socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        self.check_address(str(address[0]))
        return socket.socket(family, kind, protocol)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
