"""How long a document may be kept is one rule, of one clock, whatever the record holds."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.elastic import documents_index, pattern
from streams.records import LONGEST_RETENTION, RawItem
from streams.retention import NEVER, expired, expiry, kept_until, live_index, replay_index, replay_pattern, taken
from streams.settings import Settings
from tests.unit.streams.test_index import document

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TIMES = st.datetimes(timezones=st.just(UTC))
DAYS = st.integers(1, LONGEST_RETENTION)
NAMESPACES = st.from_regex(r"[a-z0-9-]{0,32}", fullmatch=True)


def item(days: int, at: datetime, how: Literal["clock", "archive"], published: datetime | None = None) -> RawItem:
    return RawItem(source="s", native_id="1", kind="news", title="t", collected_at=at, collected_how=how,
                   published_at=published, retention_days=days)  # fmt: skip


@given(DAYS, TIMES, TIMES, st.none() | TIMES)
def test_days_count_from_the_collection_and_of_an_archive_from_the_taking_in(
    days: int, collected: datetime, taken_at: datetime, published: datetime | None
) -> None:
    """Never from the publication; no date that a record can hold breaks it."""
    for how, begin in (("clock", collected), ("archive", taken_at)):
        until = expiry(item(days, collected, how, published), taken_at)  # type: ignore[arg-type]
        assert until == (begin + timedelta(days=days) if NEVER - begin > timedelta(days=days) else NEVER)


def test_an_archive_of_unknown_arrival_has_no_end_until_it_arrives() -> None:
    """A replay of a file knows no arrival; the index stage does."""
    assert expiry(item(30, NOW, "archive"), None) is None
    assert expiry(item(30, NOW, "clock"), None) == NOW + timedelta(days=30)


@given(DAYS, TIMES, st.none() | TIMES)
def test_what_was_written_down_holds(days: int, taken_at: datetime, written: datetime | None) -> None:
    """Whenever it is read again; only a record without it is reckoned anew."""
    one = replace(document(1), retention_days=days, expires_at=written)
    assert kept_until(one, taken_at) == (written or expiry(one, taken_at))


@pytest.mark.parametrize("seconds", [-1.0, 0.0, -0.001, 1e15, float("inf"), NOW.timestamp() + 1])
def test_a_time_that_kafka_cannot_have_counts_as_now(seconds: float) -> None:
    """Missing, broken or yet to come: an item is not thrown away for it, nor kept for ever."""
    assert taken(seconds, NOW) == NOW


def test_kafka_s_time_is_when_it_was_taken_in() -> None:
    """As it is, in UTC."""
    assert taken(NOW.timestamp() - 60, NOW) == NOW - timedelta(minutes=1)


def test_the_query_asks_for_the_end_and_reckons_it_where_it_was_not_kept() -> None:
    """Documents of an earlier version: by collection, of an archive by indexing, for each retention they have."""
    assert expired(NOW)["bool"]["should"] == [{"range": {"expires_at": {"lte": NOW.isoformat()}}}]
    _, undated = expired(NOW, [30])["bool"]["should"]
    assert undated["bool"]["must_not"] == [{"exists": {"field": "expires_at"}}]
    assert undated["bool"]["filter"] == [{"term": {"retention_days": 30}}]
    ways: list[Any] = [way["bool"]["filter"] for way in undated["bool"]["should"]]
    before = {"lte": (NOW - timedelta(days=30)).isoformat()}
    assert ways == [
        [{"term": {"collected_how": "clock"}}, {"range": {"collected_at": before}}],
        [{"term": {"collected_how": "archive"}}, {"range": {"indexed_at": before}}],
    ]


@given(NAMESPACES, NAMESPACES, st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)))
def test_only_indices_of_this_installation_are_cleared(own: str, other: str, at: datetime) -> None:
    """An index of another namespace is not ours though a pattern may reach it; alerts and strangers never are."""
    mine, theirs = Settings(namespace=own), Settings(namespace=other)
    for of in (at, at + timedelta(days=400)):
        live = documents_index(mine, at, of)
        assert live_index(mine, live)
        assert fnmatch.fnmatchcase(live, pattern(mine, "documents"))
        assert live_index(theirs, live) == (own == other)
        replayed = ".".join(part for part in ("replay", own, "q1", live.removeprefix(f"{own}-" if own else "")) if part)
        assert replay_index(mine, replayed)
        assert fnmatch.fnmatchcase(replayed, replay_pattern(mine))
        assert replay_index(theirs, replayed) == (own == other)
        assert not live_index(mine, replayed)
    for name in ("documents-2026.03-copy", "documents-mine", f"{own}-alerts-2026", f"x{documents_index(mine, at, at)}"):
        assert not live_index(mine, name)
        assert not replay_index(mine, name)
