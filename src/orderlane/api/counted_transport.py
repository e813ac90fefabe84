"""A connection's transport that counts what it was given to write: less what waits, that is what the client took."""

import asyncio


class CountedTransport:
    """What the HTTP protocol uses of a transport."""

    __slots__ = (
        "_transport",
        "abort",
        "close",
        "get_extra_info",
        "get_write_buffer_size",
        "is_closing",
        "written_bytes",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.written_bytes = 0
        self.abort = transport.abort
        self.close = transport.close
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size

    @property
    def taken_bytes(self) -> int:
        """How many bytes the operating system has taken for the client, over the life of the connection."""
        return self.written_bytes - self.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Write, or let it wait."""
        self.written_bytes += len(data)
        self._transport.write(data)
