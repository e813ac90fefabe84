"""The individual orders of an account, page by page."""

from typing import Any

import pytest

from tests.database.api.worlds import ClientWorld, Desk


async def fill_some(world: ClientWorld, desk: Desk, count: int) -> list[str]:
    """Portfolio orders of three legs; the second is changed last."""
    await world.deposit("4000.00")
    placed = [(await world.place(cash_amount="1000.00"))["id"] for _ in range(count)]
    await desk.work_off()
    for portfolio_order_id in (*placed[:1], *placed[2:], *placed[1:2]):
        await desk.fill(portfolio_order_id)
    return placed


async def pages(world: ClientWorld, limit: int, **asked: Any) -> list[dict[str, Any]]:
    """All pages, joined."""
    entries: list[dict[str, Any]] = []
    while True:
        page = await world.get(f"/accounts/{world.account_id}/orders", offset=len(entries), limit=limit, **asked)
        assert page["meta"]["count"] == len(page["data"]) <= limit
        entries += page["data"]
        if len(entries) >= page["meta"]["total_count"]:
            assert len(entries) == page["meta"]["total_count"]
            return entries


@pytest.mark.parametrize("sort", ["created_at", "updated_at", "id"])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
async def test_pages_make_the_whole_list(world: ClientWorld, desk: Desk, sort: str, order: str) -> None:
    placed = await fill_some(world, desk, 3)
    legs = [leg["id"] for parent_id in placed for leg in (await world.get(f"/portfolios/orders/{parent_id}"))["orders"]]

    whole = (await world.get(f"/accounts/{world.account_id}/orders", sort=sort, order=order))["data"]

    assert sorted(leg["id"] for leg in whole) == sorted(legs)
    for limit in (1, 2, 4):
        assert await pages(world, limit, sort=sort, order=order) == whole
    assert [await world.get(f"/orders/{leg['id']}") for leg in whole] == whole
    assert [leg[sort] for leg in whole] == sorted((leg[sort] for leg in whole), reverse=order == "DESC")


async def test_the_orders_of_one_portfolio_order_stand_together(world: ClientWorld, desk: Desk) -> None:
    placed = await fill_some(world, desk, 3)

    forth, back = [
        (await world.get(f"/accounts/{world.account_id}/orders", order=order))["data"] for order in ("ASC", "DESC")
    ]

    assert [leg["client_reference"] for leg in forth] == [parent_id for parent_id in placed for _ in range(3)]
    assert forth == back[::-1]


async def test_a_page_behind_the_end_still_counts(world: ClientWorld, desk: Desk) -> None:
    await fill_some(world, desk, 1)

    for sort in ("created_at", "updated_at"):
        page = await world.get(f"/accounts/{world.account_id}/orders", offset=3, sort=sort)
        assert (page["data"], page["meta"]["total_count"]) == ([], 3)


async def test_an_account_without_orders_has_none(world: ClientWorld) -> None:
    await world.place()

    for sort in ("created_at", "updated_at"):
        page = await world.get(f"/accounts/{world.account_id}/orders", sort=sort)
        assert (page["data"], page["meta"]["total_count"]) == ([], 0)
