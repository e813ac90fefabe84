"""Content negotiation: whether the client takes what a call answers with, and sends a body that is not coded."""

from functools import lru_cache

from orderlane.api.answers import JSON, PROBLEM_JSON
from orderlane.api.errors import NotAcceptable, UnsupportedContentCoding


def check_acceptable(accept: bytes | None, media_type: str) -> None:
    """See whether the client takes the media type.

    Problem documents are sent whatever the header says, and a client that asks for them alone (for a call whose
    success has no body) asks for JSON.

    Raises:
        NotAcceptable: the header excludes it.
    """
    if accept is not None and accept != b"application/json" and not _accepts(accept, media_type):
        raise NotAcceptable(f"this call answers with {media_type}")


def check_not_coded(content_encoding: bytes | None) -> None:
    """See that a body is as it is, neither compressed nor coded otherwise.

    Raises:
        UnsupportedContentCoding: it is coded.
    """
    if content_encoding is not None and content_encoding.strip().lower() not in (b"", b"identity"):
        raise UnsupportedContentCoding(content_encoding.decode("latin-1"))


@lru_cache(1024)
def _accepts(accept: bytes, media_type: str) -> bool:
    wanted = media_type.partition(";")[0]
    names = {wanted, f"{wanted.partition('/')[0]}/*", "*/*"} | ({PROBLEM_JSON} if wanted == JSON else set())
    ranges = [_media_range(text) for text in accept.decode("latin-1").lower().split(",")]
    return not any(name for name, _ in ranges) or any(name in names and quality for name, quality in ranges)


def _media_range(text: str) -> tuple[str, bool]:
    """The name of a media range, and whether it is wanted at all (its q is not 0)."""
    name, *parameters = (part.strip() for part in text.split(";"))
    weights = [part.partition("=")[2] for part in parameters if part.startswith("q=")]
    return name, not any(weight.strip("0.") == "" for weight in weights)
