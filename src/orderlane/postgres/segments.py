"""The stored form of a segment's payload: zstd at level 1, which makes it 12 to 20 times smaller.

What is signed and sent is the decompressed payload, so nothing depends on the version of the compressor.
"""

import threading
from typing import Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

_LEVEL: Final = 1


class SegmentDamaged(Exception):
    """A stored segment cannot be decompressed to the payload that was stored."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"a stored segment of events is damaged: {self.detail}"


class _Codec(threading.local):
    """Each thread has its own: a compressor has state, and making one costs more than a use of it."""

    def __init__(self) -> None:
        self.compressor = ZstdCompressor(level=_LEVEL)
        self.decompressor = ZstdDecompressor()


_codec = _Codec()


def compress(payload: bytes) -> bytes:
    """The stored form of a payload."""
    return _codec.compressor.compress(payload)


def decompress(stored: bytes, payload_bytes: int) -> bytes:
    """The payload, which has `payload_bytes` bytes.

    Raises:
        SegmentDamaged: it has not.
    """
    try:
        payload = _codec.decompressor.decompress(stored, max_output_size=payload_bytes)
    except ZstdError as error:
        raise SegmentDamaged(str(error)) from error
    if len(payload) != payload_bytes:
        raise SegmentDamaged(f"it has {len(payload)} bytes instead of {payload_bytes}")
    return payload
