"""Why a request could not be sent: a code for programs and a sentence for people, whatever library met the error."""

import socket
import ssl
from errno import (
    EADDRNOTAVAIL,
    ECONNREFUSED,
    ECONNRESET,
    EHOSTUNREACH,
    EMFILE,
    ENETDOWN,
    ENETUNREACH,
    ENFILE,
    ENOBUFS,
    ENOMEM,
    ETIMEDOUT,
)
from typing import Final

import aiohttp

from orderlane.ports.webhooks import WebhookNotSent
from orderlane.webhooks.addresses import AddressRefused

_OURS: Final = {
    EMFILE: ("no_descriptors", "the service has no file descriptors left: raise its limit of open files"),
    ENFILE: ("no_descriptors", "the service's machine has no file descriptors left"),
    ENOBUFS: ("no_memory", "the service's machine has no memory left for connections"),
    ENOMEM: ("no_memory", "the service's machine has no memory left for connections"),
    EADDRNOTAVAIL: ("no_ports", "the service's machine has no local port left for a connection"),
    ENETDOWN: ("no_network", "the service's network is down"),
    ENETUNREACH: ("no_network", "the service's network has no route to the receiver's address"),
}
"""Errors that say that this host is short of something or has no network: no receiver is at fault."""

_NOT_CONNECTED: Final = {
    ECONNREFUSED: ("connection_refused", "the receiver's host refuses connections to this port"),
    ECONNRESET: ("not_connected", "the receiver's host reset the connection"),
    EHOSTUNREACH: ("not_connected", "the receiver's host cannot be reached"),
    ETIMEDOUT: ("connect_timeout", "the receiver's host does not answer"),
}

_UNKNOWN_NAMES: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_LOOKUPS_OF_OURS: Final = frozenset({socket.EAI_SYSTEM, socket.EAI_MEMORY})

_CERTIFICATES: Final = {
    9: "the receiver's certificate is not valid yet",
    10: "the receiver's certificate has expired",
    18: "the receiver's certificate is signed by itself",
    19: "the receiver's certificate is signed by an authority that is not trusted",
    20: "the receiver's certificate is signed by an authority that is not known, or its chain is incomplete",
    21: "the receiver's certificate is sent without the chain to its authority",
    62: "the receiver's certificate is not for this host name",
}
"""By OpenSSL's X509_V_ERR numbers."""


def not_sent(error: Exception) -> WebhookNotSent:
    """What to tell of an error that kept a request from being answered."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _not_found(error.os_error)
        case aiohttp.ClientSSLError():
            return WebhookNotSent("tls_failed", _tls_sentence(error))
        case aiohttp.ClientConnectorError():
            return _not_connected(error.os_error)
        case aiohttp.ConnectionTimeoutError():
            return WebhookNotSent("connect_timeout", "no connection came about in time")
        case TimeoutError():
            return WebhookNotSent("timeout", "the receiver did not answer in time")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return WebhookNotSent("disconnected", "the receiver closed the connection before it had answered")
        case aiohttp.ClientError() | ValueError():
            return WebhookNotSent("not_http", "the receiver's answer is not HTTP")
        case OSError(errno=int(number)) if number in _OURS:
            return WebhookNotSent(*_OURS[number], is_ours=True)
        case _:
            return WebhookNotSent("not_sent", "the service could not send the request", is_ours=True)


def _not_found(error: OSError) -> WebhookNotSent:
    if error.errno in _UNKNOWN_NAMES:
        return WebhookNotSent("name_not_found", "the receiver's host name is not known")
    detail = "no name server says where the receiver's host name leads to"
    return WebhookNotSent("name_lookup_failed", detail, is_ours=error.errno in _LOOKUPS_OF_OURS)


def _not_connected(error: OSError) -> WebhookNotSent:
    if isinstance(error, AddressRefused):
        return WebhookNotSent("address_refused", f"the receiver's host name leads to a {error.kind} address")
    if error.errno in _OURS:
        return WebhookNotSent(*_OURS[error.errno], is_ours=True)
    otherwise = ("not_connected", "no connection to the receiver's host came about")
    return WebhookNotSent(*_NOT_CONNECTED.get(error.errno or 0, otherwise))


def _tls_sentence(error: aiohttp.ClientSSLError) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error.os_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(cause.verify_code, "the receiver's certificate is not accepted")
    return "the receiver does not speak TLS as it should"
