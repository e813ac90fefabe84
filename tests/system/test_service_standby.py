"""A synchronous standby that is gone while the service works: nothing is acknowledged or seen, and nothing is lost."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

import psutil
import pytest

from orderlane_client import OrderlaneClient, PortfolioOrder, Problem
from tests.system.auditor import audit
from tests.system.clusters import Machine, Server, machine, opened, processes_of, send, until_found
from tests.system.fleets import AMOUNT, Service, running
from tests.system.investors import Investor

MISSING = "commits wait for the missing standby standby"
ORDERS = "SELECT count(*) FROM parent_orders"
WAITING = "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
HEADS = "SELECT array_agg(position ORDER BY lane) FROM lanes"
TOLD_SECONDS_MAX = 10.0


@pytest.fixture
def servers(bin_dir: Path | None) -> Iterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


@dataclass(frozen=True, slots=True)
class Posted:
    """An order with its key, which may be sent again."""

    investor: Investor
    key: UUID

    async def send(self, client: OrderlaneClient) -> PortfolioOrder:
        return await client.place_portfolio_order(
            self.investor.user_id, self.investor.account_id, AMOUNT, "EUR", "BUY", idempotency_key=self.key
        )


async def placed(service: Service, order: Posted) -> PortfolioOrder:
    answer = await order.send(service.market.client)
    service.market.accepted.append(answer)
    return answer


async def status_of(service: Service, order: Posted) -> int:
    """The status of the first answer: of a client that does not try again."""
    async with service.client(retry_seconds=0) as impatient:
        try:
            await order.send(impatient)
        except Problem as problem:
            return problem.status
    return 202


async def waiting_pids(primary: Server) -> set[int]:
    async with opened(primary.superuser_dsn) as session:
        return set(await session.fetchval(WAITING) or ())


@pytest.mark.thorough
async def test_nothing_is_acknowledged_or_seen_without_the_standby_and_all_goes_on_with_it(
    servers: Machine, tmp_path: Path
) -> None:
    primary = await servers.primary()
    async with running(tmp_path, primary.dsn, ("worker", "gateway", "sender"), investors=4) as service:
        standby = await servers.standby(primary)
        await service.market.place_for_all([AMOUNT])
        await service.mailbox.until_final(service.market.accepted_ids)
        async with opened(primary.dsn) as reader:
            before, received = await reader.fetchval(ORDERS), len(service.mailbox.received)
            await standby.stop()

            orders = [Posted(investor, uuid4()) for investor in service.market.investors]
            began = monotonic()
            statuses = [asyncio.create_task(status_of(service, order)) for order in orders]
            await until_found(primary.superuser_dsn, f"SELECT ({WAITING}) IS NOT NULL")
            pids = await waiting_pids(primary)
            told_after = await service.seconds_until_told(MISSING, TOLD_SECONDS_MAX)
            assert set(await asyncio.gather(*statuses)) == {503}
            while monotonic() - began < 25:
                assert pids <= await waiting_pids(primary), "nobody ends a waiting backend"
                assert await reader.fetchval(ORDERS) == before
                await asyncio.sleep(0.2)
            assert service.mailbox.receiver.received.events == received

            await standby.start()
            answers = [await placed(service, order) for order in orders]
            again = [await order.send(service.market.client) for order in orders]
        print(f"told after {told_after:.1f} s")
        assert answers == again
        await service.mailbox.until_final(service.market.accepted_ids)
        await audit(primary.dsn, service.market.accepted_ids, service.mailbox.received)
        assert "replication" not in await service.doctor()


def walreceiver(standby: Server) -> list[psutil.Process]:
    """The process of the standby that takes the log and confirms it."""
    assert standby.process is not None
    return [process for process in processes_of(standby.process.pid) if "walreceiver" in " ".join(process.cmdline())]


async def has_at_least(standby: Server, heads: list[int]) -> None:
    """See that the standby has all of these lanes' heads, or replays them now."""
    query = f"SELECT NOT EXISTS (SELECT FROM unnest(({HEADS}), $1::bigint[]) AS head (there, here) WHERE there < here)"
    await until_found(standby.superuser_dsn, query, heads, seconds_max=5)


@pytest.mark.thorough
async def test_nobody_sees_an_event_that_the_standby_has_not_while_every_role_works(
    servers: Machine, tmp_path: Path
) -> None:
    """The standby answers, and only its confirmations stop: what is seen at the primary must be there too."""
    primary = await servers.primary()
    async with running(tmp_path, primary.dsn, ("worker", "gateway", "sender"), investors=4) as service:
        standby = await servers.standby(primary)
        async with service.load(), opened(primary.dsn) as reader:
            await service.mailbox.until_count(50)
            [receiver] = receivers = walreceiver(standby)
            send(receivers, signal.SIGSTOP)
            try:
                await until_found(primary.superuser_dsn, f"SELECT cardinality(({WAITING})) >= 2")
                pids, began = await waiting_pids(primary), monotonic()
                while monotonic() - began < 25:
                    await has_at_least(standby, await reader.fetchval(HEADS))
                    assert pids <= await waiting_pids(primary), "nobody ends a waiting backend"
                    await asyncio.sleep(0.2)
                wrong = await service.doctor()
                seen = service.mailbox.receiver.received.events
            finally:
                send([receiver], signal.SIGCONT)
        assert "wait for the standby (standby), the oldest for" in wrong["replication"]
        await service.mailbox.until_final(service.market.accepted_ids)
        assert len(service.mailbox.received) > seen
        await audit(primary.dsn, service.market.accepted_ids, service.mailbox.received)
