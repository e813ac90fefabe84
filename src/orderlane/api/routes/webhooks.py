"""Webhook subscriptions: who is told of which events, the keys that sign, test calls and attempts."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

from msgspec import UNSET, Meta, UnsetType, structs

from orderlane.api import problem_types
from orderlane.api.answers import Answer, encode_json
from orderlane.api.lists import PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, Unit, operation
from orderlane.api.scopes import Scope
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import SubscriptionId
from orderlane.ports.webhooks import ALL_TOPICS, Attempt, Subscription, WebhookNotSent
from orderlane.resources.formats import write_time
from orderlane.resources.requests import SubscriptionIdText
from orderlane.resources.webhooks import (
    DeliveryAttempt,
    VerifyKey,
    VerifyKeySet,
    WebhookChange,
    WebhookConfig,
    WebhookConfigChange,
    WebhookRequest,
    WebhookResource,
    WebhookTestError,
    WebhookTestResource,
    WebhookTestResponse,
    WebhookWarning,
)

_TAG = "Webhooks"
_KEPT_BRIEFLY: Final = {"cache-control": "private, max-age=300"}
"""Keys are public and change seldom, but whoever verifies with a kept set must learn a new key within minutes."""

ValueT = TypeVar("ValueT")


class WebhooksQuery(PageQuery, frozen=True, kw_only=True):
    """Which subscriptions to list."""

    sort: Annotated[
        Literal["created_at", "updated_at", "title", "url", "enabled", "id"], Meta(description="What to sort by.")
    ] = "created_at"


class DeliveriesQuery(PageQuery, frozen=True, kw_only=True):
    """Which attempts to list."""

    sort: Annotated[Literal["sent_at"], Meta(description="What to sort by.")] = "sent_at"


@operation(
    "GET",
    "/auth/verify_keys",
    tag="Authentication",
    scope=Scope.WEBHOOKS_READ,
    unit=Unit.NONE,
    summary="Get the public keys that sign webhooks",
)
async def get_verify_keys(call: Call) -> VerifyKeySet | Answer:
    """A JSON Web Key Set, to be kept for five minutes. While keys rotate, every request is signed with each of them."""
    keys = await call.services.webhooks.verify_keys()
    return Answer(200, encode_json(VerifyKeySet([VerifyKey(**key) for key in keys])), headers=_KEPT_BRIEFLY)


@operation(
    "POST",
    "/webhooks",
    tag=_TAG,
    scope=Scope.WEBHOOKS_ADMIN,
    success=201,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Create a webhook subscription",
)
async def create_webhook(call: Call, body: WebhookRequest) -> WebhookResource:
    """It gets what happens from now on; while it is not enabled, events wait for it."""
    now = call.business_now
    subscription = Subscription(
        id=SubscriptionId(call.new_id()),
        client_id=call.client_id,
        title=body.title,
        url=body.url,
        types=_unique(body.type),
        exclude_types=_unique(body.exclude_type),
        enabled=body.enabled,
        delay_ms=_delay_ms(body.config.delay),
        max_package_bytes=body.config.max_package_size,
        secret=call.services.webhooks.new_secret(),
        created_at=now,
        updated_at=now,
    )
    _check_categories(subscription)
    call.services.webhooks.check_url(subscription.url)
    await _check_count(call)
    await call.store.subscriptions.add(subscription)
    return _resource(call, subscription)


@operation("GET", "/webhooks", tag=_TAG, scope=Scope.WEBHOOKS_READ, summary="List webhook subscriptions")
async def list_webhooks(call: Call, query: WebhooksQuery) -> ResourceList[WebhookResource]:
    """The client's subscriptions."""
    listing = await call.store.subscriptions.list(call.client_id, query.page)
    return await resource_list(call.slices, query.page, listing, partial(_resource, call))


@operation(
    "GET",
    "/webhooks/{webhook_id}",
    tag=_TAG,
    scope=Scope.WEBHOOKS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a webhook subscription",
)
async def get_webhook(call: Call, webhook_id: SubscriptionIdText) -> WebhookResource:
    """One subscription."""
    return _resource(call, await call.store.subscriptions.get(call.client_id, webhook_id))


@operation(
    "PATCH",
    "/webhooks/{webhook_id}",
    tag=_TAG,
    scope=Scope.WEBHOOKS_ADMIN,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE),
    summary="Change a webhook subscription",
)
async def change_webhook(call: Call, webhook_id: SubscriptionIdText, body: WebhookChange) -> WebhookResource:
    """What waits to be tried again is tried at once. Enabled again, it goes on where it stopped: nothing is lost."""
    subscriptions = call.store.subscriptions
    stored = await subscriptions.get(call.client_id, webhook_id, to_change=True)
    changed = structs.replace(_changed(stored, body), updated_at=call.business_now)
    _check_categories(changed)
    if changed.enabled or changed.url != stored.url:
        call.services.webhooks.check_url(changed.url)
    await subscriptions.change(changed)
    return _resource(call, await subscriptions.get(call.client_id, webhook_id))


@operation(
    "DELETE",
    "/webhooks/{webhook_id}",
    tag=_TAG,
    scope=Scope.WEBHOOKS_ADMIN,
    success=204,
    problems=(problem_types.NOT_FOUND,),
    summary="Delete a webhook subscription",
)
async def delete_webhook(call: Call, webhook_id: SubscriptionIdText) -> None:
    """Nothing more is sent, and the attempts are forgotten."""
    await call.store.subscriptions.delete(call.client_id, webhook_id)


@operation(
    "POST",
    "/webhooks/{webhook_id}/test",
    tag=_TAG,
    scope=Scope.WEBHOOKS_ADMIN,
    unit=Unit.NONE,
    problems=(problem_types.NOT_FOUND, problem_types.OVERLOADED),
    summary="Test a webhook subscription",
)
async def send_test_webhook(call: Call, webhook_id: SubscriptionIdText) -> WebhookTestResource:
    """Send a real, signed request with one event of type WEBHOOK.TEST, enabled or not; what the receiver answered."""
    return await _try_out(call, webhook_id)


@operation(
    "GET",
    "/webhooks/{webhook_id}/test",
    tag=_TAG,
    scope=Scope.WEBHOOKS_ADMIN,
    unit=Unit.NONE,
    problems=(problem_types.NOT_FOUND, problem_types.OVERLOADED),
    summary="Test a webhook subscription (the same as POST)",
)
async def get_test_webhook(call: Call, webhook_id: SubscriptionIdText) -> WebhookTestResource:
    """Send a real, signed request with one event of type WEBHOOK.TEST: the older way to ask for it."""
    return await _try_out(call, webhook_id)


@operation(
    "GET",
    "/webhooks/{webhook_id}/deliveries",
    tag=_TAG,
    scope=Scope.WEBHOOKS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List the attempts to deliver to a webhook subscription",
)
async def list_webhook_deliveries(
    call: Call, webhook_id: SubscriptionIdText, query: DeliveriesQuery
) -> ResourceList[DeliveryAttempt]:
    """Each request that was sent, with what came back; they are kept for 14 days."""
    listing = await call.store.subscriptions.attempts(call.client_id, webhook_id, query.page)
    return await resource_list(call.slices, query.page, listing, _attempt)


async def _try_out(call: Call, webhook_id: SubscriptionIdText) -> WebhookTestResource:
    """No connection to the database is held while the receiver takes its time."""
    async with call.services.store.reading() as store:
        subscription = await store.subscriptions.get(call.client_id, webhook_id)
    try:
        answer = await call.services.webhooks.try_out(subscription)
    except WebhookNotSent as reason:
        return WebhookTestResource(subscription.url, error=WebhookTestError(reason.code, reason.detail))
    response = WebhookTestResponse(answer.status, dict(answer.headers), answer.body.decode("utf-8", "replace"))
    return WebhookTestResource(subscription.url, response)


def _changed(stored: Subscription, body: WebhookChange) -> Subscription:
    config = WebhookConfigChange() if isinstance(body.config, UnsetType) else body.config
    return structs.replace(
        stored,
        title=_set(body.title, stored.title),
        url=_set(body.url, stored.url),
        types=stored.types if isinstance(body.type, UnsetType) else _unique(body.type),
        exclude_types=stored.exclude_types if isinstance(body.exclude_type, UnsetType) else _unique(body.exclude_type),
        enabled=_set(body.enabled, stored.enabled),
        delay_ms=stored.delay_ms if isinstance(config.delay, UnsetType) else _delay_ms(config.delay),
        max_package_bytes=_set(config.max_package_size, stored.max_package_bytes),
    )


async def _check_count(call: Call) -> None:
    limit = call.options.webhooks_per_client
    count = await call.store.subscriptions.count_to_add(call.client_id)
    if count >= limit:
        raise StateRefused(
            f"this client has {count} webhook subscriptions, and the limit is {limit}: delete one that is not needed,"
            " or ask the operator for a higher limit"
        )


def _set(value: ValueT | UnsetType, otherwise: ValueT) -> ValueT:
    return otherwise if isinstance(value, UnsetType) else value


def _unique(categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(categories))


def _delay_ms(delay: str) -> int:
    return int(delay.removesuffix("s")) * 1000


def _check_categories(subscription: Subscription) -> None:
    if subscription.exclude_types and ALL_TOPICS not in subscription.types:
        raise FieldRefused("exclude_type", "only goes with type ALL: name in type what is wanted instead")


def _resource(call: Call, subscription: Subscription) -> WebhookResource:
    return WebhookResource(
        id=subscription.id,
        created_at=write_time(subscription.created_at),
        updated_at=write_time(subscription.updated_at),
        title=subscription.title,
        url=subscription.url,
        type=list(subscription.types),
        exclude_type=list(subscription.exclude_types),
        enabled=subscription.enabled,
        config=WebhookConfig(
            delay=f"{subscription.delay_ms // 1000}s", max_package_size=subscription.max_package_bytes
        ),
        disabled_reason=subscription.disabled_reason,
        secret=subscription.secret if Scope.WEBHOOKS_ADMIN in call.scopes else UNSET,
        warnings=_warnings(subscription) or UNSET,
    )


def _warnings(subscription: Subscription) -> list[WebhookWarning]:
    """What of a subscription is probably not meant."""
    if subscription.enabled:
        return []
    return [WebhookWarning("enabled", 'is false: events wait and nothing is sent; PATCH it with "enabled": true')]


def _attempt(attempt: Attempt) -> DeliveryAttempt:
    return DeliveryAttempt(
        id=attempt.id,
        package_id=attempt.package_id,
        attempt=attempt.attempt,
        sent_at=write_time(attempt.sent_at),
        latency_ms=attempt.latency_ms,
        status=attempt.status_code,
        error_code=attempt.error_code,
        bytes=attempt.body_bytes,
        event_ids=list(attempt.event_ids),
    )


OPERATIONS = (
    get_verify_keys,
    create_webhook,
    list_webhooks,
    get_webhook,
    change_webhook,
    delete_webhook,
    send_test_webhook,
    get_test_webhook,
    list_webhook_deliveries,
)
