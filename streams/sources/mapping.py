"""Rows of any shape become items: columns by explicit choice, else by recognised names. Pure; refusals say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from rapidfuzz import process

from streams.records import Kind, Raw, RawItem, RawTick, Reject, check_time, decode, digest, encode
from streams.sources.times import parse_time

# Names under which a field is recognised, the first present one wins. Lower case; columns are compared that way.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "native_id": ("native_id", "id", "guid", "uuid", "_id", "id_str", "tweet_id", "post_id", "url", "link"),
    "revision": ("revision",),
    "kind": ("kind",),
    "title": ("title", "headline", "subject"),
    "text": ("text", "body", "content", "full_text", "message", "tweet", "description", "summary"),
    "url": ("url", "link", "permalink"),
    "author": ("author", "user", "username", "screen_name"),
    "lang": ("lang", "language"),
    "source": ("source",),
    "published_at": ("published_at", "created_at", "published", "pubdate", "timestamp", "datetime", "time", "date"),
    "collected_at": ("collected_at",),
    "may_store_body": ("may_store_body",),
    "may_train": ("may_train",),
    "retention_days": ("retention_days",),
}
_TEXTS: Final = ("revision", "title", "text", "url", "author", "lang", "source")
_FLAGS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class MappingError(ValueError):
    """An option that maps columns is wrong; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How the columns of a file become an item.

    Constants (`source`, `kind`, `lang`) win over columns, explicit columns over recognised names.
    """

    explicit: tuple[tuple[str, str], ...] = ()  # (field, column)
    source: str = ""
    kind: Kind | None = None  # None: the row's own; else news when it has a title, chat when not
    lang: str = ""
    zone: tzinfo | None = None  # of times that state none
    content_ids: bool = False  # rows without an id are identified by their content
    default_source: str = "file"  # when neither a constant nor a column names one
    demo: bool = False


def parse_map(pairs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`field=column` options as pairs. Raises MappingError for an unknown field or a missing column."""
    found = []
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign or not column:
            raise MappingError(f"--map {pair}: write FIELD=COLUMN, e.g. --map published_at=created_at")
        if name not in NAMES:
            near = process.extractOne(name, tuple(NAMES), score_cutoff=60)
            hint = f"did you mean {near[0]}?" if near else f"fields are {', '.join(NAMES)}"
            raise MappingError(f"--map {pair}: there is no field {name}; {hint}")
        found.append((name, column))
    return tuple(found)


@lru_cache(maxsize=256)
def plan(names: tuple[str, ...], explicit: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Which of the columns `names` feeds which field."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    taken = {column for _, column in explicit}
    chosen = {}
    for field, candidates in NAMES.items():
        # A column mapped by hand feeds that field only; a URL may still serve as the id.
        free = (lower[c] for c in candidates if c in lower and (field == "native_id" or lower[c] not in taken))
        column = next(free, None)
        if column is not None:
            chosen[field] = column
    return chosen | dict(explicit)


def ignored(names: Sequence[str], explicit: tuple[tuple[str, str], ...]) -> set[str]:
    """Columns that no field takes."""
    return set(names) - set(plan(tuple(names), explicit).values())


def to_item(row: Mapping[str, Any], how: Columns, now: datetime) -> RawItem:
    """The item in a row, checked. Raises Reject: missing_field, bad_schema, bad_time, bad_text, no_text."""
    columns = plan(tuple(row), how.explicit)
    fields: dict[str, Any] = {}
    for name in _TEXTS:
        fields[name] = _text(row, columns, name)
    fields["source"] = how.source or fields["source"] or how.default_source
    fields["lang"] = how.lang or fields["lang"]
    fields["kind"] = how.kind or _text(row, columns, "kind") or ("news" if fields["title"] else "chat")
    fields |= _times(row, columns, how, now)
    fields["native_id"] = _identity(row, columns, how, fields)
    fields |= _declarations(row, columns)
    if how.demo:
        fields["demo"] = True
    try:
        item = msgspec.convert(fields, RawItem)
    except msgspec.ValidationError as error:
        raise Reject("bad_schema", str(error)) from None
    return checked(item, now)


def native_item(data: bytes, how: Columns, now: datetime) -> RawItem:
    """An item in our own form (`"type": "item"`), decoded strictly: unknown fields are refused. Constants win."""
    record = decode(data, Raw)
    if isinstance(record, RawTick):
        raise Reject("bad_schema", "a tick in a file of items: the ingest writes the ticks itself")
    changes: dict[str, Any] = {}
    if how.source:
        changes["source"] = how.source
    if how.kind:
        changes["kind"] = how.kind
    if how.lang:
        changes["lang"] = how.lang
    if how.demo:
        changes["demo"] = True
    return checked(replace(record, **changes) if changes else record, now)


def checked(item: RawItem, now: datetime) -> RawItem:
    """The item with its times in UTC. Raises Reject for impossible times, NUL characters and items without words."""
    if not (item.title.strip() or item.text.strip()):
        raise Reject("no_text", "neither a title nor a text")
    for name in (*_TEXTS, "native_id"):
        if "\0" in getattr(item, name):
            raise Reject("bad_text", f"{name} holds a NUL character")
    collected = check_time(item.collected_at, now, "collected_at")
    published = check_time(item.published_at, now, "published_at") if item.published_at else None
    if item.collected_at.tzinfo is UTC and (item.published_at is None or item.published_at.tzinfo is UTC):
        return item
    return replace(item, collected_at=collected, published_at=published)


def sealed(item: RawItem, limit: int) -> bytes:
    """The item as it goes to Kafka. Raises Reject: too_large, bad_unicode."""
    data = encode(item)
    if len(data) > limit:
        raise Reject("too_large", f"{len(data)} bytes as a record, {limit} are allowed")
    return data


def record_key(item: RawItem) -> bytes:
    """Kafka key: all revisions of one item lie in one partition, in order."""
    return f"{item.source}|{item.native_id}".encode("utf-8", "replace")


def _text(row: Mapping[str, Any], columns: Mapping[str, str], field: str) -> str:
    column = columns.get(field)
    value = None if column is None else row.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Reject("bad_schema", f"{_named(field, column)} is a {type(value).__name__}, not a text")
    return value


def _identity(row: Mapping[str, Any], columns: Mapping[str, str], how: Columns, fields: Mapping[str, Any]) -> str:
    column = columns.get("native_id")
    value = None if column is None else row.get(column)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise Reject("bad_schema", f"{_named('native_id', column)} is a {type(value).__name__}, not an id")
    if value and value.strip():
        return value
    if how.content_ids:
        return digest(fields["title"], fields["text"], fields["url"], str(fields["published_at"]))
    raise Reject("missing_field", f"{_named('native_id', column)}: no id; map its column, or take ids from the content")


def _times(row: Mapping[str, Any], columns: Mapping[str, str], how: Columns, now: datetime) -> dict[str, Any]:
    """Both clocks. An archive without a collection time uses the published one, and says so."""
    found: dict[str, datetime | None] = {}
    for name in ("published_at", "collected_at"):
        column = columns.get(name)
        value = None if column is None else row.get(column)
        empty = value is None or (isinstance(value, str) and not value.strip())
        found[name] = None if empty else parse_time(value, how.zone, now, _named(name, column))
    published, collected = found["published_at"], found["collected_at"]
    if published is None and collected is None:
        raise Reject("missing_field", f"{_named('published_at', columns.get('published_at'))}: no time; map its column")
    return {
        "published_at": published,
        "published_how": "stated" if published else "unknown",
        "collected_at": collected or published,
        "collected_how": "clock" if collected else "archive",
    }


def _declarations(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """What may be done with the item, where the row says so."""
    found: dict[str, Any] = {}
    for name in ("may_store_body", "may_train", "retention_days"):
        column = columns.get(name)
        value = None if column is None else row.get(column)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            value = _declared(name, column, value.strip().lower())
        found[name] = value
    return found


def _declared(name: str, column: str | None, value: str) -> bool | int:
    if name == "retention_days" and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    if name != "retention_days" and value in _FLAGS:
        return _FLAGS[value]
    expected = "days" if name == "retention_days" else "true or false"
    raise Reject("bad_schema", f"{_named(name, column)} is {value[:40]!a}, not {expected}")


def _named(field: str, column: str | None) -> str:
    return field if column is None or column == field else f"{field} (column {column[:60]!a})"
