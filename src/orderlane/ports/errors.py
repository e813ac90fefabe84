"""What the outside world refuses, as small types that hold data."""

from orderlane.domain.errors import FieldRefused


class PortError(Exception):
    """The outside world refuses this."""

    def __str__(self) -> str:
        return super().__str__() or type(self).__doc__ or type(self).__name__


class StoreUnavailable(PortError):
    """The database does not answer."""


class NotFound(PortError):
    """There is no such resource, or it belongs to another client."""

    def __init__(self, resource: str, resource_id: str) -> None:
        super().__init__(resource, resource_id)
        self.resource, self.resource_id = resource, resource_id

    def __str__(self) -> str:
        return f"there is no {self.resource} {self.resource_id}"


Invalid = FieldRefused
"""A value that the outside world refuses is told like one that a rule refuses: by its field."""
