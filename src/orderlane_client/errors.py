"""What goes wrong between a client and the service."""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """A call did not succeed."""


class ServiceUnreachable(ClientError):
    """Nothing answers at the service's address; the cause says why."""


class Problem(ClientError):
    """The service refused a call.

    `document` is its problem document (RFC 9457): `type`, `title`, `status`, `detail`, `instance`, `request_id`, and
    `errors`, a list of `field` and `message`.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(status, document)
        self.status, self.document = status, document

    @property
    def type(self) -> str:
        """The kind of problem."""
        return str(self.document.get("type", ""))

    @property
    def detail(self) -> str:
        """What is wrong, in a sentence."""
        return str(self.document.get("detail") or self.document.get("title") or "")

    def __str__(self) -> str:
        fields = "; ".join(
            f"{wrong.get('field')}: {wrong.get('message')}" for wrong in self.document.get("errors") or ()
        )
        return " ".join(part for part in (f"{self.status}", self.detail, f"({fields})" if fields else "") if part)
