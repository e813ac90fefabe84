"""The gate's writes: a nonce that is not stored in time is refused, and stays under way."""

import asyncio
from datetime import UTC, datetime

import pytest

from orderlane.api.auth import gate as gate_module
from orderlane.api.auth.directory import ClientDirectory
from orderlane.api.auth.gate import Gate
from orderlane.api.errors import NonceReused
from orderlane.api.options import ApiOptions
from orderlane.domain.ids import ClientId
from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.group_commit import GroupCommit

CLIENT = ClientId("ebabcf4d-61c3-4942-875c-e265a7c2d062")
UNTIL = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class SlowNonces:
    """Nonces whose statement waits until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.stored: set[str] = set()
        self._group = GroupCommit[str, bool](self._use_all)

    async def use(self, client_id: ClientId, nonce: str, valid_until: datetime) -> bool:
        return await self._group.submit(nonce)

    async def close(self) -> None:
        await self._group.close()

    async def _use_all(self, nonces: list[str]) -> list[bool]:
        await self.let_go.wait()
        are_new = [nonce not in self.stored for nonce in nonces]
        self.stored.update(nonces)
        return are_new


def gate_of(nonces: SlowNonces) -> Gate:
    directory: ClientDirectory = object.__new__(ClientDirectory)
    return Gate(directory, nonces, ApiOptions())


async def test_a_nonce_that_is_not_stored_in_time_is_stored_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "ANSWER_SECONDS_MAX", 0.01)
    nonces = SlowNonces()

    with pytest.raises(StoreUnavailable):
        await gate_of(nonces)._use_nonce(CLIENT, "once", UNTIL)
    assert nonces.stored == set()
    nonces.let_go.set()
    await nonces.close()

    assert nonces.stored == {"once"}


async def test_a_nonce_is_accepted_once() -> None:
    nonces = SlowNonces()
    nonces.let_go.set()
    gate = gate_of(nonces)
    await gate._use_nonce(CLIENT, "once", UNTIL)

    with pytest.raises(NonceReused):
        await gate._use_nonce(CLIENT, "once", UNTIL)
