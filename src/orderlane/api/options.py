"""How the API behaves, as far as an operator may choose it."""

from datetime import timedelta

from msgspec import Struct

from orderlane.api.problem_types import PUBLIC_URL_DEFAULT


class ApiOptions(Struct, frozen=True, kw_only=True):
    """The choices, with what is right for production.

    Attributes:
        development: tell an integrator the signature base that the service computed; never in production.
        body_bytes_max: larger request bodies are refused; no call needs more (a test computes it), and what the event
            loop does with a body in one go grows with it.
        token_lifetime: how long an access token is valid.
        requests_per_minute: the limit of a client that has none of its own; None is no limit.
        token_requests_per_minute: how often a client, and an address, may ask for a token.
        webhooks_per_client: how many webhook subscriptions a client may have.
        lists_per_client: how many lists of a client are answered at a time.
        lists_reading: how many lists of all clients read the database at a time.
        list_wait_seconds: how long a further one waits for its turn and for its place to read, together.
        public_url: the address at which clients reach the service, without a slash at its end: the types of
            problems begin with it.
        document_url: the server that the OpenAPI document names; by default the one that serves the document.
    """

    development: bool = False
    body_bytes_max: int = 65_536
    token_lifetime: timedelta = timedelta(hours=1)
    requests_per_minute: int | None = None
    token_requests_per_minute: int = 60
    webhooks_per_client: int = 100
    lists_per_client: int = 4
    lists_reading: int = 5
    list_wait_seconds: float = 5.0
    public_url: str = PUBLIC_URL_DEFAULT
    document_url: str = "/"
