"""What the types of fields do not say: their format and an example, by field name or by `Schema.field`."""

from collections.abc import Mapping
from typing import Any, Final

_UUID: Final = "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"
_TIME: Final = "2021-07-21T14:10:00.000Z"

DATE_TIMES: Final = frozenset(
    {"created_at", "updated_at", "transaction_time", "price_time", "valuation_time", "sent_at"}
)
DATES: Final = frozenset({"settlement_date"})
DECIMALS: Final = frozenset(
    {
        "amount",
        "available_for_trading",
        "available_for_withdrawal",
        "balance",
        "cash_amount",
        "executed_cash_amount",
        "fee",
        "locked_for_trading",
        "minimum_amount",
        "pending_settlement",
        "price",
        "quantity",
        "remaining_cash_amount",
        "share_quantity",
        "weight",
    }
)
DECIMAL_PATTERN: Final = r"^-?[0-9]+(\.[0-9]+)?$"

EXAMPLES: Final[Mapping[str, Any]] = {
    "AccountGroup.type": "PERSONAL",
    "Account.type": "PORTFOLIO",
    "Account.status": "ACTIVE",
    "AccountUser.type": "OWNER",
    "AllocationEntry.instrument_id_type": "ISIN",
    "Execution.status": "FILLED",
    "DeliveryAttempt.attempt": 1,
    "DeliveryAttempt.error_code": None,
    "DeliveryAttempt.status": 200,
    "FieldError.field": "cash_amount",
    "FieldError.message": "must be more than 0",
    "Health.status": "ok",
    "ListMeta.sort": "created_at",
    "OpenApiDocument.openapi": "3.1.0",
    "OrderReference.state": "PROCESSING",
    "PortfolioOrder.initiation_flow": "API",
    "PortfolioOrder.type": "BUY",
    "PortfolioOrder.cancellation_reason": None,
    "PortfolioOrder.client_reference": "savings-2021-07",
    "Order.cancellation_reason": None,
    "Order.client_reference": "eb5ba93f-5dfe-4bf1-8571-4da0caacc80c",
    "Order.initiation_flow": "PORTFOLIO",
    "Position.quantity": "12.5",
    "Problem.request_id": "0190d2a4-6f3c-7c5b-9f0e-3f5a4f1f0c11",
    "Problem.detail": "there is no portfolio order eb5ba93f-5dfe-4bf1-8571-4da0caacc80c",
    "Problem.instance": "/portfolios/orders/eb5ba93f-5dfe-4bf1-8571-4da0caacc80c",
    "Problem.status": 404,
    "Problem.title": "There is no such resource",
    "Problem.type": "/errors/not_found",
    "Problem.signature_base": '"@method": GET\n"@path": /users',
    "Tax.type": "TOTAL",
    "Token.access_token": "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJvcmRlcmxhbmUifQ.c2lnbmF0dXJl",
    "Token.expires_in": 3600,
    "Token.scope": "portfolios:admin users:admin",
    "Token.token_type": "bearer",
    "TokenRequest.client_id": "ebabcf4d-61c3-4942-875c-e265a7c2d062",
    "TokenRequest.client_secret": "ya_9XPPGzsZ2hG5YFz8o6bY0dPS1wLwz4cE6zvQ4yJ8",
    "TokenRequest.scope": "portfolios:admin users:admin",
    "User.status": "ACTIVE",
    "VerifyKey.alg": "EdDSA",
    "VerifyKey.crv": "Ed25519",
    "VerifyKey.kid": "webhook-0190d2a4-6f3c-7c5b-9f0e-3f5a4f1f0c11",
    "VerifyKey.kty": "OKP",
    "VerifyKey.use": "sig",
    "VerifyKey.x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "Webhook.disabled_reason": None,
    "Webhook.exclude_type": "POSITION",
    "Webhook.type": "PORTFOLIO_ORDER",
    "Webhook.title": "Portfolio orders",
    "WebhookTest.error": None,
    "WebhookTestError.code": "connect_timeout",
    "WebhookTestError.message": "no connection within 5 seconds",
    "WebhookTestResponse.body": "thanks",
    "WebhookTestResponse.status": 200,
    "WebhookTestSubject.title": "Portfolio orders",
    "account_number": 1,
    "address_line1": "Unter den Linden 1",
    "address_line2": "3rd floor",
    "amount": "1000.00",
    "available_for_trading": "900.00",
    "available_for_withdrawal": "900.00",
    "balance": "1000.00",
    "birth_city": "London",
    "birth_date": "1985-12-10",
    "birth_name": "Byron",
    "cancellation_details": "",
    "cancellation_reason": None,
    "cash_amount": "1000.00",
    "city": "Berlin",
    "client_reference": "",
    "currency": "EUR",
    "description": "",
    "distribution": "DEFAULT",
    "executed_cash_amount": "0.00",
    "fee": "0",
    "first_name": "Ada",
    "initiation_flow": "API",
    "instrument_id": "IE00B4L5Y983",
    "instrument_id_type": "ISIN",
    "isin": "IE00B4L5Y983",
    "last_name": "Lovelace",
    "limit_price": "",
    "locked_for_trading": "100.00",
    "minimum_amount": "1",
    "name": "World portfolio",
    "order_type": "MARKET",
    "pending_settlement": "0.00",
    "postcode": "10117",
    "price": "101.25",
    "price_quality": "EOD",
    "quantity": "0",
    "remaining_cash_amount": "1000.00",
    "securities_account_number": "1000000017",
    "share_quantity": "1.9753086419",
    "side": "BUY",
    "state": "Berlin",
    "status": "PROCESSING",
    "stop_price": "",
    "title": "Dr.",
    "trading_status": "ACTIVE",
    "url": "https://hooks.example.com/orderlane",
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "venue_id": "SIMULATED",
    "weight": "0.2",
    "wkn": "A0RPWH",
    **dict.fromkeys(DATE_TIMES, _TIME),
    **dict.fromkeys(DATES, "2021-07-23"),
}

FORMAT_EXAMPLES: Final[Mapping[str, Any]] = {
    "uuid": _UUID,
    "date": "2021-07-21",
    "date-time": _TIME,
    "uri": "https://example.com",
}


def format_of(name: str) -> dict[str, Any]:
    """What JSON Schema can say of a text field with this name."""
    if name in DATE_TIMES:
        return {"format": "date-time"}
    if name in DATES:
        return {"format": "date"}
    if name in DECIMALS:
        return {"pattern": DECIMAL_PATTERN}
    return {}
