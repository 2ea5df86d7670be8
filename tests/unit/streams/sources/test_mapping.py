"""Rows of any shape become items or are refused with a reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import RawItem, Reject, encode
from streams.sources.mapping import Columns, MappingError, ignored, native_item, parse_map, record_key, sealed, to_item
from streams.sources.rows import parse_json

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROW = {"id": "a1", "text": "Borealis Foods cuts its outlook", "created_at": "2026-11-20T08:00:00Z", "source": "wire"}


def test_common_names() -> None:
    """Common column names need no option; without a collection time the published one is used and marked."""
    item = to_item(ROW | {"lang": "en", "rt": True}, Columns(), NOW)
    assert (item.native_id, item.source, item.kind, item.lang) == ("a1", "wire", "chat", "en")
    assert item.collected_at == item.published_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert (item.collected_how, item.published_how) == ("archive", "stated")


def test_both_clocks() -> None:
    """A row with both times keeps both, and its collection time counts as measured."""
    item = to_item(ROW | {"collected_at": "2026-11-20T09:00:00Z"}, Columns(), NOW)
    assert (item.collected_at.hour, item.collected_how) == (9, "clock")
    assert item.published_at is not None
    assert item.published_at.hour == 8


def test_only_collected() -> None:
    """A row with a collection time alone has no published one."""
    row = {k: v for k, v in ROW.items() if k != "created_at"} | {"collected_at": 1795000000}
    item = to_item(row, Columns(), NOW)
    assert (item.published_at, item.published_how, item.collected_how) == (None, "unknown", "clock")


def test_title_means_news() -> None:
    """Without a kind, a row with a title is news and one without is chat; a constant decides for all."""
    assert to_item(ROW | {"title": "Outlook cut"}, Columns(), NOW).kind == "news"
    assert to_item(ROW | {"title": ""}, Columns(), NOW).kind == "chat"
    assert to_item(ROW, Columns(kind="news"), NOW).kind == "news"


def test_explicit_columns_win() -> None:
    """Columns mapped by hand win over recognised names, constants over both, and the rest is told as ignored."""
    row = {"no": 7, "id": "x", "headline": "H", "when": "2026-11-20", "who": "b", "source": "s"}
    how = Columns(parse_map(["native_id=no", "published_at=when", "author=who"]), source="const", lang="zh")
    item = to_item(row, how, NOW)
    assert (item.native_id, item.author, item.source, item.lang, item.title) == ("7", "b", "const", "zh", "H")
    assert ignored(tuple(row), how.explicit) == {"id"}


def test_column_moves() -> None:
    """A recognised column mapped to another field feeds that field only, and the next name takes its place."""
    row = ROW | {"description": "Long story"}
    item = to_item(row, Columns(parse_map(["title=text"])), NOW)
    assert (item.title, item.text) == (ROW["text"], "Long story")


def test_source_falls_back_to_the_file() -> None:
    """Without a source the file's name is one."""
    row = {k: v for k, v in ROW.items() if k != "source"}
    assert to_item(row, Columns(default_source="posts"), NOW).source == "posts"


def test_content_ids() -> None:
    """Rows without ids get one from their content when asked: the same row the same, another row another."""
    row = {"text": "one", "date": "2026-11-20"}
    how = Columns(content_ids=True)
    assert to_item(row, how, NOW).native_id == to_item(dict(row), how, NOW).native_id
    assert to_item(row, how, NOW).native_id != to_item(row | {"text": "two"}, how, NOW).native_id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "missing_field"),
        ({"id": " "}, "missing_field"),
        ({"id": 1.5}, "bad_schema"),
        ({"id": True}, "bad_schema"),
        ({"id": "x" * 513}, "bad_schema"),
        ({"text": None}, "no_text"),
        ({"text": " \n"}, "no_text"),
        ({"text": 5}, "bad_schema"),
        ({"text": ["a"]}, "bad_schema"),
        ({"text": "a\0b"}, "bad_text"),
        ({"source": {"name": "x"}}, "bad_schema"),
        ({"source": "x" * 129}, "bad_schema"),
        ({"kind": "video"}, "bad_schema"),
        ({"created_at": None}, "missing_field"),
        ({"created_at": "1970-01-01"}, "bad_time"),
        ({"created_at": "2099-01-01"}, "bad_time"),
        ({"created_at": "yesterday"}, "bad_time"),
        ({"url": "x" * 2049}, "bad_schema"),
        ({"may_train": "perhaps"}, "bad_schema"),
        ({"retention_days": "ten"}, "bad_schema"),
        ({"retention_days": 0}, "bad_schema"),
    ],
)
def test_refused(change: dict[str, Any], reason: str) -> None:
    """Every fault of a row has its own reason."""
    with pytest.raises(Reject) as caught:
        to_item(ROW | change, Columns(), NOW)
    assert caught.value.reason == reason


def test_declarations_from_texts() -> None:
    """What may be done with an item is understood from CSV texts too."""
    item = to_item(ROW | {"may_train": "TRUE", "may_store_body": "no", "retention_days": "30"}, Columns(), NOW)
    assert (item.may_train, item.may_store_body, item.retention_days) == (True, False, 30)


def test_map_options() -> None:
    """A wrong --map says how to write it and what was probably meant."""
    with pytest.raises(MappingError, match="FIELD=COLUMN"):
        parse_map(["native_id"])
    with pytest.raises(MappingError, match="did you mean published_at"):
        parse_map(["publishd_at=x"])


def test_own_form_is_strict() -> None:
    """Our own records pass unchanged; an unknown field or a tick among them is refused."""
    item = to_item(ROW, Columns(), NOW)
    assert native_item(encode(item), Columns(), NOW) == item
    assert native_item(encode(item), Columns(demo=True, source="s2"), NOW).demo
    for data in (
        encode(item)[:-1] + b',"extra":1}',
        b'{"type":"tick","at":"2026-11-20T08:00:00Z","source":"x"}',
        b'{"type":"item"}',
    ):
        with pytest.raises(Reject) as caught:
            native_item(data, Columns(), NOW)
        assert caught.value.reason == "bad_schema"


def test_sealed() -> None:
    """A record over the limit, or with a lone surrogate, never reaches Kafka."""
    item = to_item(ROW | {"text": "x" * 5000}, Columns(), NOW)
    with pytest.raises(Reject) as caught:
        sealed(item, 4096)
    assert caught.value.reason == "too_large"
    with pytest.raises(Reject) as caught:
        sealed(to_item(ROW | {"text": "\ud800"}, Columns(), NOW), 4096)
    assert caught.value.reason == "bad_unicode"
    assert record_key(item) == b"wire|a1"


NAMES = st.sampled_from(
    ["id", "text", "title", "created_at", "collected_at", "source", "url", "kind", "retention_days", "x"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("2026-11-20"))


@given(st.dictionaries(NAMES, st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=8))
def test_any_row(row: dict[str, Any]) -> None:
    """Whatever a row holds, the result is an item or a Reject; no other error escapes."""
    try:
        item = to_item(row, Columns(), NOW)
        sealed(item, 262_144)
    except Reject:
        return
    assert isinstance(item, RawItem)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_any_bytes(data: bytes) -> None:
    """Whatever bytes a row has, parsing gives an object or a Reject."""
    for read in (parse_json, lambda d: native_item(d, Columns(), NOW)):
        try:
            read(data)
        except Reject:
            continue
