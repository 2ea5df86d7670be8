"""What a feed says, as items. The bytes are hostile: no DTD, no entity, no file, no second look at the network."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import feedparser
import msgspec

from streams.records import RawItem, Reject, check_time, content_revision, digest
from streams.sources.feedlist import Feed
from streams.sources.mapping import checked

MOST_ENTRIES: Final = 500


class FeedError(ValueError):
    """This answer is no feed we read. `reason` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Reading:
    """One answer of a feed: items, and entries that are none with the reason."""

    items: list[RawItem] = field(default_factory=list)
    rejected: list[tuple[str, Reject]] = field(default_factory=list)  # (identity of the entry, why)
    cut: int = 0  # entries beyond the limit


def read_feed(body: bytes, content_type: str, url: str, feed: Feed, now: datetime) -> Reading:
    """The entries of an RSS or Atom document fetched from `url`. Blocks for milliseconds: call it in a thread.

    Raises FeedError when it is no feed: declares a DTD or entities, is no XML, or breaks the parser.
    """
    refuse_declarations(body)
    # No base address is given: it would become part of plain guids, and a moved feed's entries all be new. Links are
    # made absolute here instead. And always a stream: given bytes, the library takes a path or URL in them for one.
    headers = {"content-type": content_type}
    try:
        parsed = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:
        raise FeedError("unreadable", f"the parser gave up: {type(error).__name__}") from error
    if not parsed.get("version") and not parsed.entries:
        raise FeedError("not_a_feed", "neither RSS nor Atom")
    reading = Reading(cut=max(0, len(parsed.entries) - MOST_ENTRIES))
    for entry in parsed.entries[:MOST_ENTRIES]:
        try:
            reading.items.append(entry_item(entry, url, feed, now))
        except Reject as reject:
            reading.rejected.append((entry_identity(entry, url), reject))
    return reading


def refuse_declarations(body: bytes) -> None:
    """Raise FeedError when a document type, and so an entity, is declared before the root element."""
    # Dropping NUL bytes makes UTF-16 and UTF-32 readable as far as ASCII goes.
    text = body.replace(b"\0", b"").decode("latin-1").lstrip("\xef\xbb\xbf\xff\xfe \t\r\n")
    while text.startswith(("<?", "<!")):
        closing = "?>" if text.startswith("<?") else "-->" if text.startswith("<!--") else ""
        _, found, rest = text.partition(closing) if closing else ("", "", "")
        if not found:
            raise FeedError("dtd", "a document type is declared, or the document does not begin: refused")
        text = rest.lstrip()


def entry_item(entry: Mapping[str, Any], url: str, feed: Feed, now: datetime) -> RawItem:
    """One entry as an item collected at `now`. HTML is left to the normaliser. Raises Reject."""
    title, text, link = _words(entry.get("title")), _body(entry), entry_link(entry, url)
    published = _published(entry, now)
    fields = {
        "source": feed.source,
        "native_id": entry_identity(entry, url),
        "kind": feed.kind,
        "title": title,
        "text": text,
        "url": link,
        "author": _words(entry.get("author"))[:256],
        "lang": feed.lang,
        "published_at": published,
        "published_how": "feed" if published else "unknown",
        "collected_at": now,
        "may_store_body": feed.may_store_body,
        "may_train": feed.may_train,
        "retention_days": feed.retention_days,
    }
    try:
        return checked(msgspec.convert(fields, RawItem), now)
    except msgspec.ValidationError as error:
        raise Reject("bad_schema", str(error)) from None


def entry_identity(entry: Mapping[str, Any], url: str) -> str:
    """The entry's own id, else its link, else its words; long ones by digest."""
    own = _words(entry.get("id")).strip() or entry_link(entry, url)
    own = own or content_revision(_words(entry.get("title")), _body(entry))
    return own if len(own) <= 512 else digest(own)


def entry_link(entry: Mapping[str, Any], url: str) -> str:
    """Absolute http(s) link of an entry, or nothing."""
    link = _words(entry.get("link")).strip()
    if not link:
        return ""
    try:
        absolute = urljoin(url, link)
        usable = urlsplit(absolute).scheme in ("http", "https") and len(absolute) <= 2048
    except ValueError:
        return ""
    return absolute if usable else ""


def item_mark(item: RawItem) -> str:
    """What the set of seen entries remembers: identity and content, so that an edited entry is news."""
    return digest(item.native_id, content_revision(item.title, item.text))


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _body(entry: Mapping[str, Any]) -> str:
    """The longest of what the entry offers: many feeds cut the summary and keep the content, or the reverse."""
    contents = entry.get("content")
    listed = contents if isinstance(contents, list) else []
    offered = [_words(part.get("value")) for part in listed if isinstance(part, Mapping)]
    return max([*offered, _words(entry.get("summary"))], key=len)


def _published(entry: Mapping[str, Any], now: datetime) -> datetime | None:
    """The feed's date in UTC; None when it has none or an impossible one: unknown, not a reason to drop the entry."""
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if not isinstance(parsed, time.struct_time):
        return None
    try:
        return check_time(datetime(*parsed[:6], tzinfo=UTC), now, "published")
    except (ValueError, OverflowError):  # a Reject is a ValueError
        return None
