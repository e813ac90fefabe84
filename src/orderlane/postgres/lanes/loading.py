"""Loading what a batch of messages needs, with a number of statements that does not depend on the batch."""

from collections.abc import Collection, Iterable, Sequence

from orderlane.domain.account import AssetType
from orderlane.domain.allocation import Allocation
from orderlane.domain.decision import AccountState
from orderlane.domain.ids import AccountId, AllocationId, ClientId, ParentOrderId, SubjectId, UserId, lane_of
from orderlane.domain.instruments import Instrument
from orderlane.domain.lane.messages import kind_of
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.users import UserStatus
from orderlane.ports.lanes import InboxMessage, LaneHead, Loaded
from orderlane.postgres.connection import Connection
from orderlane.postgres.inbox import message_from
from orderlane.postgres.lanes.memory import LaneMemory
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.accounts import account_from
from orderlane.postgres.tables.allocations import allocation_from, weight_from
from orderlane.postgres.tables.holdings import holding_from
from orderlane.postgres.tables.instruments import instrument_from
from orderlane.postgres.tables.parent_orders import parent_from
from orderlane.postgres.tables.records import Row

_SQL = queries("lanes")

States = dict[AccountId, AccountState]


class Loader:
    """Loads batches on the session that owns the lanes. Only what `memory` does not have is read."""

    def __init__(self, connection: Connection, memory: LaneMemory, lane_count: int) -> None:
        self._connection = connection
        self._memory = memory
        self._lane_count = lane_count
        self._official_clients: set[ClientId] = set()
        """Met so far, and never forgotten: whoever remembers an account has read it here, and the choice is fixed."""

    async def load(self, rows: Sequence[Row]) -> Loaded | None:
        """The accounts of messages with the parent orders that they concern, and the market; None without any message.

        `rows` are messages with the heads of their lanes. What is remembered of a lane that somebody else has written
        to is forgotten first. Messages of held subjects are set aside.

        Raises:
            UnknownMessage: a message is of a kind that this version does not know.
            msgspec.ValidationError: a message is none of its kind.
        """
        if not rows:
            return None
        messages = sorted((message_from(row) for row in rows), key=_message_id)
        heads = {row["lane"]: LaneHead(row["position"], row["version"], row["last_event_at"]) for row in rows}
        self._memory.keep_versions(heads)
        holding = {row["lane"] for row in rows if row["is_holding"]}
        kept = await self._set_aside(messages, holding) if holding else messages
        states = await self._load_accounts({AccountId(message.subject_id) for message in kept})
        await self._load_parents(kept, states)
        planned = list(_planned(kept, states))
        allocations = await self._load_allocations(planned)
        return Loaded(
            messages=kept,
            now=rows[0]["now"],
            epoch=rows[0]["epoch"],
            heads=heads,
            accounts=states,
            instruments=await self._load_instruments(planned, allocations.values(), states),
            allocations=allocations,
            user_statuses=await self._load_user_statuses(planned),
            official_clients=self._official_clients,
        )

    async def _set_aside(self, messages: Sequence[InboxMessage], holding: Collection[int]) -> Sequence[InboxMessage]:
        """Move messages of held subjects out of the inbox; the others."""
        asked = {(message.lane, message.subject_id) for message in messages if message.lane in holding}
        rows = await self._connection.fetch(_SQL["held_subjects"], *zip(*asked, strict=True))
        held = {SubjectId(str(row["subject_id"])) for row in rows}
        if not held:
            return messages
        aside = [(message.lane, message.id) for message in messages if message.subject_id in held]
        await self._connection.execute(_SQL["set_aside"], *zip(*aside, strict=True))
        return [message for message in messages if message.subject_id not in held]

    async def _load_accounts(self, account_ids: Collection[AccountId]) -> States:
        recalled = {account_id: self._memory.recall(account_id) for account_id in account_ids}
        states = {account_id: state.copy() for account_id, state in recalled.items() if state is not None}
        missing = [account_id for account_id, state in recalled.items() if state is None]
        if missing:
            keys = ([lane_of(account_id, self._lane_count) for account_id in missing], missing)
            for row in await self._connection.fetch(_SQL["accounts"], *keys):
                account = account_from(row)
                states[account.id] = AccountState(account)
                if row["official_reasons"]:
                    self._official_clients.add(account.client_id)
            for row in await self._connection.fetch(_SQL["holdings"], *keys):
                held = holding_from(row)
                states[held.account_id].holdings[held.asset] = held
        return states

    async def _load_parents(self, messages: Sequence[InboxMessage], states: States) -> None:
        missing = dict.fromkeys(_missing_parents(messages, states))
        if not missing:
            return
        lanes, ids = zip(*missing, strict=True)
        for row in await self._connection.fetch(_SQL["parent_orders"], lanes, ids):
            parent = parent_from(row)
            if state := states.get(parent.account_id):
                state.parents[parent.id] = parent

    async def _load_allocations(self, planned: Sequence[ParentOrder]) -> dict[AllocationId, Allocation]:
        wanted = list({parent.allocation_id for parent in planned if parent.allocation_id})
        if not wanted:
            return {}
        entries: dict[AllocationId, list[Row]] = {}
        for row in await self._connection.fetch(_SQL["allocations"], wanted):
            entries.setdefault(AllocationId(str(row["id"])), []).append(row)
        return {
            allocation_id: allocation_from(rows[0], [weight_from(row) for row in rows])
            for allocation_id, rows in entries.items()
        }

    async def _load_user_statuses(self, planned: Sequence[ParentOrder]) -> dict[UserId, UserStatus]:
        user_ids = list({parent.user_id for parent in planned})
        if not user_ids:
            return {}
        rows = await self._connection.fetch(_SQL["user_statuses"], user_ids)
        return {UserId(str(row["id"])): UserStatus(row["status"]) for row in rows}

    async def _load_instruments(
        self, planned: Sequence[ParentOrder], allocations: Iterable[Allocation], states: States
    ) -> dict[str, Instrument]:
        isins = {entry.isin for allocation in allocations for entry in allocation.weights}
        for account_id in {parent.account_id for parent in planned}:
            holdings = states[account_id].holdings.values()
            isins.update(held.asset for held in holdings if held.asset_type is AssetType.INSTRUMENT)
        if not isins:
            return {}
        rows = await self._connection.fetch(_SQL["instruments"], list(isins))
        return {row["isin"]: instrument_from(row) for row in rows}


def _message_id(message: InboxMessage) -> int:
    return message.id


def _missing_parents(messages: Iterable[InboxMessage], states: States) -> Iterable[tuple[int, ParentOrderId]]:
    """Lane and id of the parent orders that messages concern and `states` do not have."""
    for message in messages:
        state = states.get(AccountId(message.subject_id))
        known = state.parents if state is not None else {}
        for parent_id in kind_of(message.message).parents(message.message):
            if parent_id not in known:
                yield message.lane, parent_id


def _planned(messages: Iterable[InboxMessage], states: States) -> Iterable[ParentOrder]:
    """The parent orders for which a plan may be made."""
    for message in messages:
        state = states.get(AccountId(message.subject_id))
        kind = kind_of(message.message)
        for parent_id in kind.parents(message.message) if state is not None else ():
            parent = state.parents.get(parent_id) if state is not None else None
            if parent is not None and kind.plans(message.message, parent):
                yield parent
