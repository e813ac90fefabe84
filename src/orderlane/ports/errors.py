"""What the outside world refuses, as small types that hold data."""

from uuid import UUID


class PortError(Exception):
    """The outside world refuses this."""

    def __str__(self) -> str:
        return type(self).__doc__ or type(self).__name__


class StoreUnavailable(PortError):
    """The database does not answer."""


class NotFound(PortError):
    """There is no such resource, or it belongs to another client."""

    def __init__(self, resource: str, resource_id: UUID | str) -> None:
        super().__init__(resource, resource_id)
        self.resource, self.resource_id = resource, resource_id

    def __str__(self) -> str:
        return f"there is no {self.resource} {self.resource_id}"


class Conflict(PortError):
    """The state of a resource does not allow this."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class Invalid(PortError):
    """A field's value does not fit what is stored: names the field and what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.field, self.message = field, message

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"
