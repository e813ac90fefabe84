"""The request as it was received, and the components of it that a signature covers (RFC 9421, section 2)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from orderlane.http_signatures.errors import (
    ComponentAbsent,
    ComponentUnsupported,
    SignatureMalformed,
    SignatureTooLarge,
)

SIGNATURE_BASE_LENGTH_MAX: Final = 65_536

_DEFAULT_PORTS: Final[Mapping[str, str]] = {"http": ":80", "https": ":443"}
_VISIBLE: Final = re.compile(r"[\t -~]*")


class SignedRequest:
    """A request as it came over the wire: nothing decoded, nothing normalised.

    Args:
        method: in capitals.
        path: percent-encoded as sent, without the query.
        query: percent-encoded as sent, without the question mark; empty when there is none.
        headers: every header line as (name, value), in any case and order, repeated names included.
        body: the bytes as sent.
        scheme: "https" or "http", as the client sees it.
    """

    __slots__ = ("body", "fields", "method", "path", "query", "scheme")

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        scheme: str = "https",
    ) -> None:
        self.method, self.path, self.query, self.scheme, self.body = method, path, query, scheme, body
        self.fields = combined_fields(headers)

    @classmethod
    def from_asgi(cls, scope: Mapping[str, Any], body: bytes) -> "SignedRequest":
        """Take the request from an ASGI scope, which must have `raw_path` as uvicorn gives it."""
        return cls(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=body,
            scheme=scope["scheme"],
        )

    @property
    def is_signed(self) -> bool:
        """Whether the request claims to be signed, however badly."""
        return "signature" in self.fields or "signature-input" in self.fields

    @property
    def authority(self) -> str:
        """The host, in small letters and without the scheme's own port (RFC 9421, section 2.2.3)."""
        host = self.fields.get("host")
        if host is None:
            raise ComponentAbsent("@authority")
        return host.lower().removesuffix(_DEFAULT_PORTS.get(self.scheme.lower(), ""))

    @property
    def target(self) -> str:
        """The path, with the query after a question mark when there is one."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path


def combined_fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the header fields by name in small letters, repeated lines joined (RFC 9421, section 2.1)."""
    fields: dict[str, str] = {}
    for name, value in headers:
        key, text = name.lower(), value.strip(" \t")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


_DERIVED: Final[Mapping[str, Callable[[SignedRequest], str]]] = {
    "@method": lambda request: request.method,
    "@path": lambda request: request.path or "/",
    "@query": lambda request: f"?{request.query}",
    "@authority": lambda request: request.authority,
    "@scheme": lambda request: request.scheme.lower(),
    "@target-uri": lambda request: f"{request.scheme.lower()}://{request.authority}{request.target}",
    "@request-target": lambda request: request.target,
}


def component_value(request: SignedRequest, component: str) -> str:
    """Return what the request has for a component.

    Raises:
        ComponentUnsupported: a derived component that is not known here.
        ComponentAbsent: a header field that the request does not have.
        SignatureMalformed: the value holds something else than printable ASCII.
    """
    if component.startswith("@"):
        derive = _DERIVED.get(component)
        if derive is None:
            raise ComponentUnsupported(component)
        value: str | None = derive(request)
    else:
        value = request.fields.get(component)
    if value is None:
        raise ComponentAbsent(component)
    if _VISIBLE.fullmatch(value) is None:
        raise SignatureMalformed(component, "only printable ASCII can be signed")
    return value


def signature_base(request: SignedRequest, components: Sequence[str], parameters: str) -> str:
    """Return the text that is signed (RFC 9421, section 2.5).

    Args:
        request: the request.
        components: the names of the covered components, in the order of the signature.
        parameters: the value of `@signature-params`: the components and the parameters, serialised.

    Raises:
        SignatureTooLarge: the base is longer than `SIGNATURE_BASE_LENGTH_MAX` characters.
        SignatureRefused: as `component_value` raises it.
    """
    lines = [f'"{component}": {component_value(request, component)}' for component in components]
    lines.append(f'"@signature-params": {parameters}')
    base = "\n".join(lines)
    if len(base) > SIGNATURE_BASE_LENGTH_MAX:
        raise SignatureTooLarge("the signature base", SIGNATURE_BASE_LENGTH_MAX, "characters")
    return base
