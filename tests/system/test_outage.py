"""The subscriber is down for a while: everything arrives later, in order."""

from decimal import Decimal
from pathlib import Path

from orderlane_client import WebhookReceiver
from tests.system.auditor import audit
from tests.system.investors import Market
from tests.system.mailbox import Mailbox
from tests.system.processes import run_command, running_service


async def test_everything_arrives_after_an_outage_in_order(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, service.client() as client:
        market = Market(client)
        await market.open(3)
        async with WebhookReceiver() as receiver:
            mailbox = Mailbox(receiver)
            await mailbox.subscribe(client)
            await market.place_for_all([Decimal("100.00")])
            await mailbox.until_final(market.accepted_ids)
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])

        await market.place_for_all([Decimal("200.00"), Decimal("300.00")])
        for one in market.accepted:
            await market.until_filled(one.id)

        ill = await run_command("doctor", "--data-dir", service.data_dir)
        assert ill.code == 1
        assert "the oldest undelivered event is" in ill.out
        assert "attempts failed, the last with: connection_refused" in ill.out

        async with WebhookReceiver(receiver.verifier, port=port) as back:
            mailbox.receiver = back
            await mailbox.until_final(market.accepted_ids)
            await audit(await service.dsn(), market.accepted_ids, mailbox.received)
