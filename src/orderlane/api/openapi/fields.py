"""What JSON Schema may say of fields whose struct does not say it: a format and an example, by name.

A field says these best where it is declared: `Annotated[str, Meta(examples=[…], extra_json_schema={…})]`. What is here
serves the structs of orders, which are plain text because they are written a million times a day.
"""

from collections.abc import Mapping
from typing import Any, Final

_UUID: Final = "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"
_TIME: Final = "2021-07-21T14:10:00.000Z"

DATE_TIMES: Final = frozenset({"created_at", "updated_at", "transaction_time"})
DATES: Final = frozenset({"settlement_date"})
DECIMALS: Final = frozenset(
    {
        "amount",
        "cash_amount",
        "executed_cash_amount",
        "fee",
        "price",
        "quantity",
        "remaining_cash_amount",
        "share_quantity",
    }
)
DECIMAL_PATTERN: Final = r"^-?[0-9]+(\.[0-9]+)?$"

EXAMPLES: Final[Mapping[str, Any]] = {
    "Execution.status": "FILLED",
    "Order.cancellation_reason": "CANCELLED_BY_TRADING_PARTNER",
    "Order.client_reference": "eb5ba93f-5dfe-4bf1-8571-4da0caacc80c",
    "Order.initiation_flow": "PORTFOLIO",
    "OrderReference.state": "PROCESSING",
    "PortfolioOrder.cancellation_reason": "PARTIALLY_EXECUTED",
    "PortfolioOrder.client_reference": "savings-2021-07",
    "PortfolioOrder.initiation_flow": "API",
    "PortfolioOrder.type": "BUY",
    "Tax.type": "TOTAL",
    "amount": "1000.00",
    "cancellation_details": "1 of 2 individual orders were cancelled at the venue",
    "cash_amount": "1000.00",
    "client_reference": "savings-2021-07",
    "currency": "EUR",
    "executed_cash_amount": "0.00",
    "fee": "0",
    "instrument_id": "IE00B4L5Y983",
    "instrument_id_type": "ISIN",
    "limit_price": "",
    "order_type": "MARKET",
    "price": "101.25",
    "quantity": "0",
    "remaining_cash_amount": "1000.00",
    "share_quantity": "1.9753086419",
    "side": "BUY",
    "status": "PROCESSING",
    "stop_price": "",
    "venue": "SIMULATED",
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
