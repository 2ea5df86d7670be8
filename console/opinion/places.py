"""Where a page ends, as a cursor that the next one begins behind. Whatever is no cursor of ours is refused. Pure.

A cursor holds the sort values of the last document shown and nothing else, so documents that arrive between two pages
neither repeat nor hide any.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

Sort = Literal["newest", "relevance"]
LONGEST: Final = 700
ORDERS: Final[dict[str, list[Any]]] = {
    "newest": [{"collected_at": "desc"}, {"id": "asc"}],
    "relevance": [{"_score": "desc"}, {"collected_at": "desc"}, {"id": "asc"}],
}
Milliseconds = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]  # up to the year 2100
Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Number = Annotated[int, Meta(ge=0)]
Subject = Annotated[str, Meta(min_length=1, max_length=300)]
Score = Annotated[float, Meta(ge=0, le=1000)]
_FORMS: Final[dict[str, Any]] = {
    "newest": tuple[Literal["newest"], Milliseconds, Id],
    "relevance": tuple[Literal["relevance"], Score, Milliseconds, Id],
    "subjects": tuple[Literal["subjects"], Milliseconds, Number, Subject],
}  # fmt: skip


class NoCursor(ValueError):  # noqa: N818 - what is wrong
    """This was not made here, or for another order."""


def write(form: str, values: Any) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode([form, *values])).decode().rstrip("=")


def read(form: str, cursor: str) -> list[Any]:
    """The values of a cursor of this form. Raises NoCursor."""
    if len(cursor) > LONGEST:
        raise NoCursor
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return list(msgspec.json.decode(data, type=_FORMS[form])[1:])
    except (ValueError, binascii.Error, RecursionError):
        raise NoCursor from None
