"""What panels ask Elasticsearch, and how answers are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.dashboards import measures as m
from deploy.dashboards.asking import MOST, STEPS, Row, Window, body, filled, rows
from deploy.dashboards.spec import OverTime, Panel, Split, Terms

END = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = Window(END - timedelta(days=1), END)
TABLE = Panel(
    "t", "table", "documents", (m.NEGATIVE, m.NEGATIVE_SHARE, m.SOURCES), (Terms("entities.name", "company"),)
)
LINES = Panel("l", "line", "documents", (m.DOCUMENTS,), (OverTime(), Terms("topic.label", "topic", 6)))


def answer(aggregations: dict[str, Any], total: int = 10) -> dict[str, Any]:
    return {"hits": {"total": {"value": total}}, "aggregations": aggregations}


def test_a_panel_asks_for_its_window_only() -> None:
    """The begin belongs to the window, the end does not."""
    asked = body(TABLE, DAY)
    assert asked["size"] == 0
    assert asked["query"]["bool"]["filter"][0]["range"]["@timestamp"] == {
        "gte": "2026-03-01T10:00:00+00:00", "lt": "2026-03-02T10:00:00+00:00",
    }  # fmt: skip


def test_values_are_ranked_by_what_the_panel_ranks_by() -> None:
    """Ties are broken by name, so that two requests give the same order."""
    assert body(TABLE, DAY)["aggs"]["by"]["terms"]["order"] == [{"m0": "desc"}, {"_key": "asc"}]
    unique = Panel("u", "ranking", "documents", (m.SOURCES,), (Terms("lang", "language"),))
    assert body(unique, DAY)["aggs"]["by"]["terms"]["order"][0] == {"m0>v": "desc"}


def test_time_is_inside_of_values() -> None:
    """The six largest topics of the day, each over time; not the six largest of each hour."""
    outer = body(LINES, DAY)["aggs"]["by"]
    assert "terms" in outer
    assert outer["aggs"]["by"]["date_histogram"]["fixed_interval"] == "1800s"


def test_an_answer_becomes_rows() -> None:
    """Counts, a share of those with a direction, and different values."""
    bucket = {"key": "Corvane", "doc_count": 8, "m0": {"doc_count": 3}, "m1": {"doc_count": 3},
              "m1w": {"doc_count": 6}, "m2": {"doc_count": 8, "v": {"value": 2}}}  # fmt: skip
    assert rows(TABLE, answer({"by": {"buckets": [bucket]}})) == [Row(("Corvane",), (3.0, 0.5, 2.0), 8)]


def test_a_share_of_nothing_is_no_share() -> None:
    """Nought of nought is not nought per cent."""
    panel = Panel("s", "metric", "documents", (m.NEGATIVE_SHARE,))
    told = rows(panel, answer({"m0": {"doc_count": 0}, "m0w": {"doc_count": 0}}))
    assert told[0].values == (None,)
    assert not filled(panel, told)


def test_a_share_of_nought_is_something_to_see_and_a_count_of_nought_is_not() -> None:
    """No unjudged documents is good news; no documents is an empty panel."""
    share = Panel("s", "metric", "documents", (m.UNJUDGED_SHARE,))
    assert filled(share, rows(share, answer({"m0": {"doc_count": 0}, "m0w": {"doc_count": 9}})))
    count = Panel("c", "metric", "documents", (m.NEGATIVE,))
    assert not filled(count, rows(count, answer({"m0": {"doc_count": 0}})))


def test_keys_are_in_the_order_of_the_panel() -> None:
    """Whatever was asked inside of what."""
    inner = {
        "buckets": [{"key": 1, "key_as_string": "2026-03-01T10:00:00.000Z", "doc_count": 4, "m0": {"doc_count": 4}}]
    }
    told = rows(
        LINES, answer({"by": {"buckets": [{"key": "legal", "doc_count": 4, "m0": {"doc_count": 4}, "by": inner}]}})
    )
    assert told == [Row(("2026-03-01T10:00:00.000Z", "legal"), (4.0,), 4)]


def test_conditions_keep_their_order() -> None:
    """Elasticsearch sorts them by name; the reader does not want that."""
    split = Split("sentiment", (("positive", m.POSITIVE_ONLY), ("negative", m.NEGATIVE_ONLY)))
    panel = Panel("p", "pie", "documents", (m.DOCUMENTS,), (split,))
    buckets = {name: {"doc_count": n, "m0": {"doc_count": n}} for n, name in ((2, "negative"), (1, "positive"))}
    assert [row.keys for row in rows(panel, answer({"by": {"buckets": buckets}}))] == [("positive",), ("negative",)]


def test_an_answer_without_indices_is_empty() -> None:
    """Before the first document there is nothing, and no fault."""
    assert rows(TABLE, {"hits": {"total": {"value": 0}}}) == []
    panel = Panel("c", "metric", "documents", (m.DOCUMENTS,))
    assert not filled(panel, rows(panel, {"hits": {"total": {"value": 0}}}))


@given(st.integers(1, 3 * 365 * 24))
def test_a_chart_never_has_too_many_places(hours: int) -> None:
    """However long the window is, the steps grow with it, and up to six years of them fit."""
    window = Window(END - timedelta(hours=hours), END)
    assert window.step in STEPS
    assert (window.end - window.begin) / window.step <= MOST
