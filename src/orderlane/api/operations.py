"""One way to declare a route. All else follows from the declaration: the handler, checks, answers and the OpenAPI text.

    @operation("POST", "/users", scope=Scope.USERS_ADMIN, idempotent=True, summary="Create a user")
    async def create_user(call: Call, body: UserRequest) -> UserResource: ...

The function's signature is part of it: `body` is the request body, `query` the query parameters (a struct each), any
other parameter is one of the path, and the result is the resource that is answered, or None for an empty body. A
handler that makes the bytes itself returns `Resource | Answer`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from inspect import cleandoc, signature
from typing import Any, Final, get_args, get_origin, get_type_hints

from msgspec import Struct

from orderlane.api.answers import JSON, Answer
from orderlane.api.lists import ResourceList
from orderlane.api.options import ApiOptions
from orderlane.api.problem_types import ProblemType
from orderlane.api.received import ReceivedRequest
from orderlane.api.scopes import Scope
from orderlane.api.serving import Serving
from orderlane.api.slices import Slices
from orderlane.domain.ids import ClientId
from orderlane.ports.clients import Client
from orderlane.ports.idempotency import IdempotencyClaim
from orderlane.ports.services import ApiServices
from orderlane.ports.store import Repositories

Handler = Callable[..., Awaitable[Any]]


class Unit(Enum):
    """The unit of work that a handler runs in."""

    READING = "reading"
    TRANSACTION = "transaction"
    NONE = "none"


class Access(Enum):
    """Who may call: whoever has a token with the scope, or anybody (the handler itself may ask for more)."""

    TOKEN = "token"  # noqa: S105 - a kind of access, not a secret
    ANYBODY = "anybody"


class Call:
    """One request, as its handler sees it.

    Attributes:
        serving: what every operation is served with.
        request: the request as received.
        now: when it came, in technical time (tokens, signatures), in UTC.
        request_id: names the request in the log, and in the journal of what it leads to.
        client: who calls; only behind a token.
        scopes: what the token allows, the scopes that others include among them; only behind a token.
        store: the repositories of the open unit of work; only where the operation has one.
        claim: the idempotency key, for handlers that store it themselves; only where the operation demands one.
    """

    __slots__ = ("claim", "client", "now", "request", "request_id", "scopes", "serving", "store")

    client: Client
    scopes: Collection[str]
    store: Repositories
    claim: IdempotencyClaim

    def __init__(self, serving: Serving, request: ReceivedRequest, now: datetime, request_id: str) -> None:
        self.serving, self.request, self.now, self.request_id = serving, request, now, request_id

    @property
    def services(self) -> ApiServices:
        """The ports."""
        return self.serving.services

    @property
    def options(self) -> ApiOptions:
        """The operator's choices."""
        return self.serving.options

    @property
    def slices(self) -> Slices:
        """For work that takes more than a few milliseconds."""
        return self.serving.slices

    @property
    def client_id(self) -> ClientId:
        """The id of the client that calls: every resource belongs to one."""
        return self.client.id

    @property
    def actor(self) -> str:
        """Who asks, as the journal names it."""
        return f"client:{self.client_id}"

    @property
    def business_now(self) -> datetime:
        """The business time: that of what clients see."""
        return self.services.sources.business_clock.now()

    def new_id(self) -> str:
        """Return a UUID of version 7 for something new."""
        return self.services.sources.ids.new_id()


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared route.

    Attributes:
        problems: types of problem beside those that follow from the rest of the declaration.
        success: the status of a successful answer, `media_type` its type; `other_success` what a client's setting may
            make of it.
        body, query: the structs of the request, or None; `parameters` the types of the path's parameters.
        answer: the struct that is answered, or None.
        is_list: whether it may answer with very much: a client has a few of these at a time, the others wait.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    access: Access
    scope: Scope | None
    idempotent: bool
    unit: Unit
    success: int
    other_success: int | None
    problems: tuple[ProblemType, ...]
    body: type[Struct] | None
    body_media_type: str
    query: type[Struct] | None
    parameters: Mapping[str, Any]
    answer: Any
    media_type: str
    is_listed: bool
    is_list: bool
    handler: Handler

    @property
    def is_writing(self) -> bool:
        """Whether what it does must not be cancelled once it has begun."""
        return self.unit is Unit.TRANSACTION or self.idempotent


def operation(
    method: str,
    path: str,
    *,
    summary: str,
    tag: str,
    scope: Scope | None = None,
    idempotent: bool = False,
    unit: Unit | None = None,
    success: int = 200,
    other_success: int | None = None,
    problems: tuple[ProblemType, ...] = (),
    body_media_type: str = JSON,
    media_type: str = JSON,
    is_listed: bool = True,
    is_list: bool = False,
) -> Callable[[Handler], Operation]:
    """Declare the decorated function as the handler of a route.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        path: with its parameters in braces, each a parameter of the function.
        summary: what the call does, in a few words.
        tag: the kind of resource, under which the documentation lists it.
        scope: what a token must allow; None opens the call to anybody.
        idempotent: whether an idempotency key is demanded and kept.
        unit: what the handler runs in; by default GET reads and anything else is a transaction.
        success: the status of a successful answer.
        other_success: the status that a client may be set to get instead; the handler answers with it.
        problems: types of problem that the handler itself may end in.
        body_media_type: what the body must be.
        media_type: what is answered.
        is_listed: whether the OpenAPI document has it.
        is_list: whether it may answer with as much as a list; what answers with a list always is one.
    """

    def declare(handler: Handler) -> Operation:
        hints = get_type_hints(handler, include_extras=True)
        names = list(signature(handler).parameters)[1:]
        answer = _resource(hints["return"])
        return Operation(
            id=handler.__name__,
            method=method,
            path=path,
            summary=summary,
            description=cleandoc(handler.__doc__ or ""),
            tag=tag,
            access=Access.ANYBODY if scope is None else Access.TOKEN,
            scope=scope,
            idempotent=idempotent,
            unit=unit or (Unit.READING if method == "GET" else Unit.TRANSACTION),
            success=success,
            other_success=other_success,
            problems=problems,
            body=hints.get("body"),
            body_media_type=body_media_type,
            query=hints.get("query"),
            parameters={name: hints[name] for name in names if name not in _NOT_OF_THE_PATH},
            answer=answer,
            media_type=media_type,
            is_listed=is_listed,
            is_list=is_list or get_origin(answer) is ResourceList,
            handler=handler,
        )

    return declare


def _resource(returned: Any) -> Any:
    """What is answered: the returned type without the `Answer` that a handler may build itself."""
    if returned is Answer:
        return None
    others = [option for option in get_args(returned) if option is not Answer]
    if Answer in get_args(returned) and len(others) == 1:
        return others[0]
    return None if returned is type(None) else returned


_NOT_OF_THE_PATH: Final = frozenset({"body", "query"})
