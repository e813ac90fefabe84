"""The calls of the service, one method each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from orderlane_client.resources import (
    Account,
    AccountGroup,
    Allocation,
    CashBalance,
    Instrument,
    Order,
    PortfolioConfiguration,
    PortfolioOrder,
    Position,
    User,
    WebhookEvent,
    WebhookSubscription,
)
from orderlane_client.transport import Transport

T = TypeVar("T")

PAGE_SIZE = 1000


class PageMeta(Struct, frozen=True):
    """Where a page of a list lies in the whole."""

    offset: int
    limit: int
    count: int
    total_count: int


class Page(Struct, Generic[T], frozen=True):
    """A page of a list."""

    meta: PageMeta
    data: list[T]


class OrderlaneClient(Transport):
    """A client of one Orderlane service; use it as `async with OrderlaneClient(...) as client`.

    Every call raises Problem when the service refuses it, ServiceUnreachable when nothing answers.
    """

    async def create_user(self, **details: Any) -> User:
        """Create a user: first_name, last_name, birth_date, nationalities, address and other onboarding fields."""
        return await self.call("POST", "/users", User, body=details)

    async def create_account_group(self, user_id: UUID, group_type: str = "PERSONAL") -> AccountGroup:
        """Create a group of accounts for a user."""
        return await self.call("POST", "/account_groups", AccountGroup, body={"user_id": user_id, "type": group_type})

    async def create_account(
        self, user_id: UUID, account_group_id: UUID, account_type: str = "PORTFOLIO", name: str = "", **more: Any
    ) -> Account:
        """Create an account, TRADING or PORTFOLIO."""
        body = {"user_id": user_id, "account_group_id": account_group_id, "type": account_type, "name": name, **more}
        return await self.call("POST", "/accounts", Account, body=body)

    async def account(self, account_id: UUID) -> Account:
        """Get an account."""
        return await self.call("GET", f"/accounts/{account_id}", Account)

    async def deposit(self, account_id: UUID, amount: Decimal, currency: str) -> dict[str, Any]:
        """Pay cash in; it is there when the cash balance shows it."""
        body = {"amount": amount, "currency": currency}
        return await self.call("POST", f"/accounts/{account_id}/deposits", dict[str, Any], body=body)

    async def cash_balance(self, account_group_id: UUID) -> CashBalance:
        """Get the cash of an account group."""
        return await self.call("GET", f"/account_groups/{account_group_id}/payments/cash_balance", CashBalance)

    async def positions(self, account_id: UUID) -> list[Position]:
        """Get all that an account holds."""
        return [position async for position in self.pages(f"/accounts/{account_id}/positions", Position)]

    async def position(self, account_id: UUID, isin: str) -> Position:
        """Get what an account holds of one instrument."""
        return await self.call("GET", f"/accounts/{account_id}/positions/{isin}", Position)

    async def instruments(self) -> list[Instrument]:
        """Get every instrument."""
        return [instrument async for instrument in self.pages("/instruments", Instrument)]

    async def instrument(self, isin: str) -> Instrument:
        """Get an instrument."""
        return await self.call("GET", f"/instruments/{isin}", Instrument)

    async def create_allocation(self, name: str, weights: Mapping[str, Decimal]) -> Allocation:
        """Create an allocation: the target weight of each ISIN; they sum to exactly 1, or exactly 100."""
        entries = [
            {"instrument_id": isin, "instrument_id_type": "ISIN", "weight": weight} for isin, weight in weights.items()
        ]
        body = {"name": name, "allocation": entries}
        return await self.call("POST", "/portfolios/allocations", Allocation, body=body)

    async def configure(self, account_id: UUID, allocation_id: UUID) -> PortfolioConfiguration:
        """Have an account follow an allocation."""
        body = {"account_id": account_id, "allocation_id": allocation_id}
        return await self.call("POST", "/portfolios/configurations", PortfolioConfiguration, body=body)

    async def place_portfolio_order(
        self,
        user_id: UUID,
        account_id: UUID,
        cash_amount: Decimal,
        currency: str,
        side: str,
        *,
        client_reference: str = "",
        idempotency_key: UUID | None = None,
    ) -> PortfolioOrder:
        """Place a portfolio order, BUY or SELL. It is accepted when this returns, not executed."""
        body: dict[str, object] = {
            "user_id": user_id,
            "account_id": account_id,
            "cash_amount": cash_amount,
            "currency": currency,
            "side": side,
        }
        if client_reference:
            body["client_reference"] = client_reference
        return await self.call("POST", "/portfolios/orders", PortfolioOrder, body=body, idempotency_key=idempotency_key)

    async def portfolio_order(self, portfolio_order_id: UUID) -> PortfolioOrder:
        """Get a portfolio order as it is now."""
        return await self.call("GET", f"/portfolios/orders/{portfolio_order_id}", PortfolioOrder)

    async def portfolio_orders(
        self,
        account_id: UUID | None = None,
        allocation_id: UUID | None = None,
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> list[PortfolioOrder]:
        """Get the portfolio orders that fit."""
        query = {
            "account_id": account_id,
            "allocation_id": allocation_id,
            "start_date": start_date,
            "end_date": end_date,
        }
        return [order async for order in self.pages("/portfolios/orders", PortfolioOrder, query)]

    async def order(self, order_id: UUID) -> Order:
        """Get an individual order with its executions."""
        return await self.call("GET", f"/orders/{order_id}", Order)

    async def account_orders(self, account_id: UUID) -> list[Order]:
        """Get every individual order of an account."""
        return [order async for order in self.pages(f"/accounts/{account_id}/orders", Order)]

    async def events(self, portfolio_order_id: UUID) -> list[WebhookEvent]:
        """Get the event history of a portfolio order."""
        path = f"/portfolios/orders/{portfolio_order_id}/events"
        return [event async for event in self.pages(path, WebhookEvent)]

    async def create_webhook(
        self,
        title: str,
        url: str,
        types: Sequence[str] = ("ALL",),
        *,
        enabled: bool = True,
        delay: str = "0s",
        max_package_size: int = 1_048_576,
    ) -> WebhookSubscription:
        """Subscribe to events; the answer tells the subscription's secret."""
        body = {
            "title": title,
            "url": url,
            "type": list(types),
            "enabled": enabled,
            "config": {"delay": delay, "max_package_size": max_package_size},
        }
        return await self.call("POST", "/webhooks", WebhookSubscription, body=body, repeatable=False)

    async def webhook(self, webhook_id: UUID) -> WebhookSubscription:
        """Get a subscription."""
        return await self.call("GET", f"/webhooks/{webhook_id}", WebhookSubscription)

    async def webhooks(self) -> list[WebhookSubscription]:
        """Get every subscription."""
        return [subscription async for subscription in self.pages("/webhooks", WebhookSubscription)]

    async def change_webhook(self, webhook_id: UUID, **changes: Any) -> WebhookSubscription:
        """Change fields of a subscription: title, url, type, exclude_type, enabled, config."""
        return await self.call("PATCH", f"/webhooks/{webhook_id}", WebhookSubscription, body=changes)

    async def delete_webhook(self, webhook_id: UUID) -> None:
        """End a subscription."""
        return await self.call("DELETE", f"/webhooks/{webhook_id}", type(None))

    async def test_webhook(self, webhook_id: UUID) -> dict[str, Any]:
        """Have the service send a real signed request; what the receiver answered."""
        return await self.call("POST", f"/webhooks/{webhook_id}/test", dict[str, Any], repeatable=False)

    async def verify_keys(self) -> list[dict[str, Any]]:
        """Get the public keys that the service signs webhooks with, as a JSON Web Key Set's keys."""
        return (await self.call("GET", "/auth/verify_keys", dict[str, list[dict[str, Any]]]))["keys"]

    async def pages(
        self, path: str, resource: type[T], query: Mapping[str, object | None] | None = None
    ) -> AsyncIterator[T]:
        """Every entry of a list, page after page."""
        offset = 0
        while True:
            asked = {**(query or {}), "offset": offset, "limit": PAGE_SIZE}
            page: Page[T] = await self.call("GET", path, Page[resource], query=asked)  # type: ignore[valid-type]
            for entry in page.data:
                yield entry
            offset += len(page.data)
            if not page.data or offset >= page.meta.total_count:
                return
