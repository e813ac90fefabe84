"""Webhook subscriptions, attempts to deliver and test calls as JSON."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from orderlane.resources.fields import TimeText
from orderlane.resources.formats import Uuid
from orderlane.resources.requests import RequestBody

Category = Literal[
    "ACCOUNT",
    "ACCOUNT_GROUP",
    "ACCOUNT_LIQUIDATION",
    "ACCOUNT_RETURNS",
    "ACCOUNT_VALUATION",
    "CASH_BALANCE",
    "CASH_TRANSACTION",
    "CORPORATE_ACTION",
    "DIRECT_DEBIT",
    "EXECUTION",
    "FEE_COLLECTION",
    "INTRADAY_ACCOUNT_VALUATION",
    "ORDER",
    "ORDER_CANCELLATION",
    "PORTFOLIO",
    "PORTFOLIO_ALLOCATION",
    "PORTFOLIO_ORDER",
    "POSITION",
    "REBALANCING_EXECUTION_ORDER",
    "REPORT",
    "SECURITY_TRANSACTION",
    "TREASURY_REPORT",
    "USER",
    "USER_CHECK",
    "VIRTUAL_CASH_DECREASE",
    "VIRTUAL_CASH_INCREASE",
    "WITHDRAWAL",
]
"""What can be subscribed to. A client may name categories that this service has no events of."""

CategoryOrAll = Literal["ALL"] | Category

DELAY_DEFAULT: Final = "0s"
PACKAGE_SIZE_DEFAULT: Final = 65_536
PACKAGE_SIZE_MIN: Final = 100
PACKAGE_SIZE_MAX: Final = 1_048_576
CATEGORIES_MAX: Final = 50

_Delay = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]|[12][0-9]|30)s\Z",
        description="Whole seconds from 0s to 30s: how long an event may wait for others.",
        examples=["5s"],
    ),
]
_PackageSize = Annotated[
    int,
    Meta(
        ge=PACKAGE_SIZE_MIN,
        le=PACKAGE_SIZE_MAX,
        description="How many bytes the body of a request has at most; a single larger event goes alone.",
        examples=[10240],
    ),
]
_Title = Annotated[str, Meta(min_length=1, max_length=100, examples=["Portfolio orders"])]
_Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1000,
        description="Where requests are sent: https, a full DNS name, no credentials, no fragment.",
        examples=["https://hooks.example.com/orderlane"],
    ),
]
_Categories = Annotated[list[CategoryOrAll], Meta(min_length=1, max_length=CATEGORIES_MAX, examples=[["ALL"]])]
_Excluded = Annotated[
    list[Category], Meta(max_length=CATEGORIES_MAX, description="What ALL does not include.", examples=[["POSITION"]])
]
_Enabled = Annotated[
    bool, Meta(description="Whether events are sent. What happens meanwhile is sent when it is enabled.")
]
_ShownTitle = Annotated[str, Meta(examples=["Portfolio orders"])]
_ShownUrl = Annotated[str, Meta(examples=["https://hooks.example.com/orderlane"])]
_ReadOnly = Annotated[Any, Meta(description="Only the service sets this; what is sent is ignored.")]


class WebhookConfig(RequestBody, frozen=True):
    """How events are put together into requests."""

    delay: _Delay = DELAY_DEFAULT
    max_package_size: _PackageSize = PACKAGE_SIZE_DEFAULT


class WebhookRequest(RequestBody, frozen=True):
    """A new subscription."""

    title: _Title
    url: _Url
    type: _Categories = field(default_factory=lambda: ["ALL"])
    exclude_type: _Excluded = field(default_factory=list)
    enabled: _Enabled = False
    config: WebhookConfig = WebhookConfig()


class WebhookConfigChange(RequestBody, frozen=True):
    """What to change of how events are put together; the rest stays."""

    delay: _Delay | UnsetType = UNSET
    max_package_size: _PackageSize | UnsetType = UNSET


class WebhookWarning(Struct, frozen=True):
    """Something about a subscription that is allowed, and probably not meant: the field, and what follows from it."""

    field: Annotated[str, Meta(examples=["enabled"])]
    message: Annotated[str, Meta(examples=['is false: events wait and nothing is sent; PATCH it with "enabled": true'])]


class WebhookChange(RequestBody, frozen=True):
    """What to change of a subscription; the rest stays. The whole object, as it was read, may be sent too."""

    title: _Title | UnsetType = UNSET
    url: _Url | UnsetType = UNSET
    type: _Categories | UnsetType = UNSET
    exclude_type: _Excluded | UnsetType = UNSET
    enabled: _Enabled | UnsetType = UNSET
    config: WebhookConfigChange | UnsetType = UNSET
    id: _ReadOnly = UNSET
    created_at: _ReadOnly = UNSET
    updated_at: _ReadOnly = UNSET
    disabled_reason: _ReadOnly = UNSET
    secret: _ReadOnly = UNSET
    warnings: _ReadOnly = UNSET


class WebhookResource(Struct, frozen=True, kw_only=True):
    """A subscription. `secret` (for Standard Webhooks' HMAC) is shown to tokens with webhooks:admin only.

    `disabled_reason` says why it was disabled by somebody else: the receiver answered 410 Gone, or the operator did it.
    `warnings` says what probably is not meant; absent when there is nothing.
    """

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    title: _ShownTitle
    url: _ShownUrl
    type: Annotated[list[str], Meta(examples=[["PORTFOLIO_ORDER"]])]
    exclude_type: Annotated[list[str], Meta(examples=[["POSITION"]])]
    enabled: bool
    config: WebhookConfig
    disabled_reason: Annotated[str | None, Meta(examples=[None])]
    secret: Annotated[str, Meta(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])] | UnsetType = UNSET
    warnings: list[WebhookWarning] | UnsetType = UNSET


class DeliveryAttempt(Struct, frozen=True, kw_only=True):
    """One request to a subscriber.

    `package_id` is the request's `webhook-id` header, the same for every attempt at the same events. `status` is null
    when no answer came, `error_code` when the events were delivered.
    """

    id: Uuid
    package_id: Uuid
    attempt: Annotated[int, Meta(examples=[1])]
    sent_at: TimeText
    latency_ms: int
    status: Annotated[int | None, Meta(examples=[200])]
    error_code: Annotated[str | None, Meta(examples=[None])]
    bytes: int
    event_ids: list[Uuid]


class WebhookTestResponse(Struct, frozen=True):
    """What a receiver answered; `body` is its beginning, as text."""

    status: Annotated[int, Meta(examples=[200])]
    headers: dict[str, str]
    body: Annotated[str, Meta(examples=["thanks"])]


class WebhookTestError(Struct, frozen=True):
    """Why no answer came: in a word, and in a sentence. Both stay the same from version to version."""

    code: Annotated[str, Meta(examples=["connect_timeout"])]
    message: Annotated[str, Meta(examples=["no connection came about in time"])]


class WebhookTestResource(Struct, frozen=True):
    """What came of a test call: `response` is the receiver's answer, `error` why none came; the other one is absent."""

    url: _ShownUrl
    response: WebhookTestResponse | UnsetType = UNSET
    error: WebhookTestError | UnsetType = UNSET


class WebhookTestSubject(Struct, frozen=True):
    """What a test event is about: the subscription."""

    id: Uuid
    title: _ShownTitle
    url: _ShownUrl


class WebhookTestEvent(Struct, frozen=True):
    """An event that says nothing but that it arrived."""

    id: Uuid
    created_at: TimeText
    type: Literal["WEBHOOK.TEST"]
    sequence: None
    portfolio_order_id: None
    object: WebhookTestSubject
    epoch: None = None


class VerifyKey(Struct, frozen=True):
    """A public key (RFC 7517, RFC 8037) by which the signatures of webhooks are verified."""

    kty: Annotated[str, Meta(examples=["OKP"])]
    crv: Annotated[str, Meta(examples=["Ed25519"])]
    x: Annotated[str, Meta(examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])]
    kid: Annotated[str, Meta(examples=["webhook-0190d2a4-6f3c-7c5b-9f0e-3f5a4f1f0c11"])]
    alg: Annotated[str, Meta(examples=["EdDSA"])]
    use: Annotated[str, Meta(examples=["sig"])]


class VerifyKeySet(Struct, frozen=True):
    """The public keys that sign webhooks, the newest first."""

    keys: list[VerifyKey]
