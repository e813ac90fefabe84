"""A stored payload comes back to the byte, and a damaged one is noticed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.postgres.segments import SegmentDamaged, compress, decompress

PAYLOAD = b"\n".join(b'{"id":"%d","type":"ORDER.NEW","object":{"status":"NEW"}}' % number for number in range(40))


@given(st.binary(max_size=5000))
def test_a_payload_comes_back(payload: bytes) -> None:
    assert decompress(compress(payload), len(payload)) == payload


def test_events_that_are_alike_take_little_room() -> None:
    assert len(compress(PAYLOAD)) * 10 < len(PAYLOAD)


@pytest.mark.parametrize(
    ("stored", "payload_bytes"),
    [
        (b"", 10),
        (b"no zstd at all", 10),
        (compress(PAYLOAD)[:-5], len(PAYLOAD)),
        (compress(PAYLOAD), len(PAYLOAD) - 1),
        (compress(PAYLOAD), len(PAYLOAD) + 1),
    ],
)
def test_a_damaged_payload_is_noticed(stored: bytes, payload_bytes: int) -> None:
    with pytest.raises(SegmentDamaged, match="a stored segment of events is damaged"):
        decompress(stored, payload_bytes)


def test_threads_do_not_share_a_compressor() -> None:
    payloads = [PAYLOAD * (number + 1) for number in range(8)] * 20
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(compress, payloads))
        back = list(threads.map(decompress, stored, map(len, payloads)))

    assert back == payloads
