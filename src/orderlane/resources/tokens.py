"""Access tokens as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from orderlane.resources.requests import RequestBody


class TokenRequest(RequestBody, frozen=True):
    """Client credentials (RFC 6749, section 4.4)."""

    client_id: Annotated[str, Meta(min_length=1, max_length=100)]
    client_secret: Annotated[str, Meta(min_length=1, max_length=1000)]
    grant_type: Annotated[str, Meta(description="Always client_credentials.", examples=["client_credentials"])]
    scope: Annotated[
        str, Meta(max_length=2000, description="Scopes, separated by spaces; all that the client has when left out.")
    ] = ""


class TokenResource(Struct, frozen=True):
    """An access token; `expires_in` in seconds."""

    access_token: str
    expires_in: int
    token_type: str
    scope: str
