"""Access tokens as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from orderlane.resources.requests import RequestBody

_Scopes = Annotated[str, Meta(description="Scopes, separated by spaces.", examples=["portfolios:admin users:admin"])]


class TokenRequest(RequestBody, frozen=True):
    """Client credentials (RFC 6749, section 4.4); id and secret are here or in HTTP Basic."""

    grant_type: Annotated[str, Meta(description="Always client_credentials.", examples=["client_credentials"])]
    scope: Annotated[
        str,
        Meta(
            max_length=2000,
            description="Scopes, separated by spaces; all that the client has when left out.",
            examples=["portfolios:admin users:admin"],
        ),
    ] = ""
    client_id: Annotated[
        str,
        Meta(
            max_length=100,
            description="Left out when HTTP Basic is used.",
            examples=["ebabcf4d-61c3-4942-875c-e265a7c2d062"],
        ),
    ] = ""
    client_secret: Annotated[
        str,
        Meta(
            max_length=1000,
            description="Left out when HTTP Basic is used.",
            examples=["ya_9XPPGzsZ2hG5YFz8o6bY0dPS1wLwz4cE6zvQ4yJ8"],
        ),
    ] = ""


class TokenResource(Struct, frozen=True, kw_only=True):
    """An access token; `expires_in` in seconds."""

    access_token: Annotated[str, Meta(examples=["eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJvcmRlcmxhbmUifQ.c2lnbmF0dXJl"])]
    expires_in: Annotated[int, Meta(examples=[1800])]
    token_type: Annotated[str, Meta(examples=["bearer"])]
    scope: _Scopes
