"""The clock, the ids and the randomness that everything else is handed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from orderlane.sources import SteppedClock, seeded_sources, system_sources

START = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)


def test_the_system_clock_tells_utc_in_whole_milliseconds() -> None:
    now = system_sources().clock.now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_system_ids_are_version_7_and_rise() -> None:
    ids = [system_sources().ids.new_id() for _ in range(1000)]

    assert {UUID(new_id).version for new_id in ids} == {7}
    assert ids == sorted(set(ids))
    assert ids == [str(UUID(new_id)) for new_id in ids]


def test_without_a_database_both_times_are_the_machine_s() -> None:
    sources = system_sources()

    assert abs(sources.business_clock.now() - sources.clock.now()) < timedelta(minutes=1)


def test_system_tokens_have_the_length_asked_for_and_differ() -> None:
    tokens = system_sources().tokens

    assert len(tokens.token_bytes(32)) == 32
    assert tokens.token_bytes(32) != tokens.token_bytes(32)


def test_the_same_seed_replays_the_same_ids_and_tokens() -> None:
    first, second, other = (seeded_sources(seed, START) for seed in (7, 7, 8))

    ids = [first.ids.new_id() for _ in range(100)]
    assert ids == [second.ids.new_id() for _ in range(100)]
    assert ids != [other.ids.new_id() for _ in range(100)]
    assert first.tokens.token_bytes(64) == second.tokens.token_bytes(64) != other.tokens.token_bytes(64)


def test_seeded_ids_are_version_7_carry_the_clock_and_rise_past_a_full_millisecond() -> None:
    ids = seeded_sources(1, START).ids
    made = [UUID(ids.new_id()) for _ in range(5000)]

    assert {(new_id.version, new_id.variant) for new_id in made} == {(7, "specified in RFC 4122")}
    assert made[0].int >> 80 == START.timestamp() * 1000
    assert [str(new_id) for new_id in made] == sorted({str(new_id) for new_id in made})


def test_a_stepped_clock_moves_on_when_told_and_never_back() -> None:
    clock = SteppedClock(START)
    clock.advance(timedelta(microseconds=1_500))

    assert clock.now() == START + timedelta(milliseconds=1)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(timedelta(microseconds=-1))
