"""A database of development mode, whose business time may be moved ahead."""

from orderlane.postgres.connection import Connection


async def move_business_time(connection: Connection, clock_offset: str) -> None:
    """Set the offset, in a database that is in development mode from now on, if it was not."""
    await connection.execute("ALTER TABLE installation DISABLE TRIGGER USER")
    await connection.execute(f"UPDATE installation SET development = true, clock_offset = interval '{clock_offset}'")
    await connection.execute("ALTER TABLE installation ENABLE TRIGGER USER")
