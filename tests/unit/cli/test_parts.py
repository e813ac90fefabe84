"""What the API is told of the settings."""

import pytest

from orderlane.cli.parts import api_options
from orderlane.settings import Settings


@pytest.mark.parametrize(("connections", "reading", "per_client"), [(2, 1, 1), (7, 3, 3), (10, 5, 4), (40, 20, 4)])
def test_lists_read_on_half_of_the_connections_at_most(connections: int, reading: int, per_client: int) -> None:
    options = api_options(Settings(database_connections=connections), "http://127.0.0.1:8080")

    assert (options.lists_reading, options.lists_per_client) == (reading, per_client)
