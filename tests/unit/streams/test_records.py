"""Records: strict in, exact out."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import (
    Raw,
    RawItem,
    RawTick,
    Reject,
    check_time,
    content_revision,
    decode,
    digest,
    document_id,
    encode,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "type": "item",
    "source": "wire",
    "native_id": "a-1",
    "kind": "news",
    "title": "Halden Corp cuts outlook",
    "collected_at": "2026-06-01T12:00:00Z",
}


def wire(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_item_and_tick_are_told_apart_by_type() -> None:
    """One topic carries items and ticks; each decodes to its own type."""
    assert isinstance(decode(wire(), Raw), RawItem)
    tick = decode(b'{"type":"tick","at":"2026-06-01T12:00:00+08:00","source":"collect"}', Raw)
    assert isinstance(tick, RawTick)
    assert tick.at == datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{not json", "bad_json"),
        (b"\xff\xfe{}", "bad_json"),
        (wire()[:-3], "bad_json"),
        (wire() + b"x", "bad_json"),
        (b"[" * 200_000, "bad_schema"),
        (b'{"type":"item","source":"\xff"}', "bad_utf8"),
        (b'{"type":"item","source":"\\ud800"}', "bad_json"),
        (b"[]", "bad_schema"),
        (b"null", "bad_schema"),
        (b'"x"', "bad_schema"),
        (wire(type="other"), "bad_schema"),
        (wire(extra=1), "bad_schema"),
        (wire(v=2), "bad_schema"),
        (wire(kind="video"), "bad_schema"),
        (wire(title=5), "bad_schema"),
        (wire(native_id=""), "bad_schema"),
        (wire(native_id="x" * 513), "bad_schema"),
        (wire(collected_at="yesterday"), "bad_schema"),
        (wire(collected_at="2026-06-01T12:00:00"), "bad_schema"),
        (wire(collected_at=1_780_000_000), "bad_schema"),
        (wire(retention_days=0), "bad_schema"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "source"}).encode(), "bad_schema"),
    ],
)
def test_wrong_input_is_refused_with_its_reason(data: bytes | None, reason: str) -> None:
    """Whatever is wrong with a record has a stable reason and never another exception."""
    with pytest.raises(Reject) as refused:
        decode(data, Raw)
    assert refused.value.reason == reason


@given(st.binary(max_size=300))
def test_no_bytes_make_decode_raise_anything_else(data: bytes) -> None:
    """Any bytes give a record or a Reject."""
    with suppress(Reject):
        decode(data, Raw)


@given(st.text(st.characters(), max_size=50), st.text(st.characters(), max_size=200))
def test_what_is_written_is_read_again(title: str, text: str) -> None:
    """Encoding and decoding give the same record for every text UTF-8 can carry; others are refused."""
    item = RawItem(source="s", native_id="1", kind="chat", title=title, text=text, collected_at=NOW)
    if any("\ud800" <= letter <= "\udfff" for letter in title + text):
        with pytest.raises(Reject, match="surrogate"):
            encode(item)
    else:
        assert decode(encode(item), Raw) == item


@pytest.mark.parametrize(
    "at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)]
)
def test_impossible_times_are_refused(at: datetime) -> None:
    """1970, 2099 and times without a zone are wrong times, not early or late items."""
    with pytest.raises(Reject, match="published_at") as refused:
        check_time(at, NOW, "published_at")
    assert refused.value.reason == "bad_time"


def test_times_within_slack_are_taken_in_utc() -> None:
    """A clock a little ahead is tolerated, every time comes out in UTC."""
    assert check_time(NOW + timedelta(hours=23), NOW, "x").tzinfo is UTC


def test_identity_depends_on_every_part_and_its_border() -> None:
    """Moving a character from one part to the next gives another id."""
    assert document_id("ab", "c", "d") != document_id("a", "bc", "d")
    assert digest("a") != digest("a", "")
    assert content_revision("t", "x") != content_revision("t", "y")
    assert len(content_revision("t", "x")) == 16
