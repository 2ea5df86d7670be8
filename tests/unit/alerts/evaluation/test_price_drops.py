"""Falls in price as truth."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.price_drops import Bar, Drop, Hours, Texts, drops, event_of, read_prices
from alerts.yaml_structs import FileRefused

MONDAY = date(2026, 3, 2)
HOURS = Hours(time(16), ZoneInfo("America/New_York"))


def bars(*closes: float, start: date = MONDAY) -> list[Bar]:
    """One close a day from a Monday on."""
    return [Bar(start + timedelta(days=at), close) for at, close in enumerate(closes)]


def told(found: list[Drop]) -> list[tuple[str, int, float]]:
    return [(each.symbol, each.day.day, round(each.change - each.market, 4)) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "Date,Open,High,Low,Close,Adj Close,Volume\n2026-03-02,1,1,1,9,8,5\n2026-03-03,1,1,1,9,7.5,5\n",
        "\ufeffDATE;close\n2026/03/02;8,0\n2026/03/03;7,5\n",
        "adj_close\tdate\n7.5\t20260303\n8\t20260302\n",
        'Date|Close\n2026-03-02 00:00:00-05:00|"8"\n\n2026-03-03 00:00:00-05:00|7.5\n2026-03-04|null\n',
    ],
)
def test_tables_of_prices_are_read_as_they_come(text: str) -> None:
    """Adjusted closes first, names in any case, four delimiters, days in several ways, in any order."""
    assert read_prices(text, "a.csv") == bars(8.0, 7.5)


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", 1, "no column Date"),
        ("Date,Opening\n", 1, "no column Close"),
        ("Date,Clos\n", 1, "did you mean 'clos'?"),
        ("Date,Close\n2026-03-02,8\nsoon,7\n", 3, "expected a day"),
        ("Date,Close\n2026-03-02,much\n", 2, "a price above 0"),
        ("Date,Close\n2026-03-02,-1\n", 2, "a price above 0"),
        ("Date,Close\n9999-12-31,1\n", 2, "expected a day"),
        ("Date,Close\n2026-03-02,1,234.5\n", 2, "more fields than the header has"),
        ("x" * 200_000, 1, "no CSV: field larger"),
    ],
)
def test_a_fault_in_a_table_is_told_with_its_line(text: str, line: int, expected: str) -> None:
    """And with what was expected."""
    csv.field_size_limit(131_072)  # the module's own, whatever others have set in this process
    with pytest.raises(FileRefused) as refused:
        read_prices(text, "a.csv")
    (fault,) = refused.value.faults
    assert fault.line == line
    assert expected in str(fault)


def test_a_drop_is_measured_against_the_market() -> None:
    """The median of all, an index, or nothing."""
    prices = {"A": bars(100, 90, 90), "B": bars(100, 96, 96), "C": bars(100, 96, 91)}
    assert told(drops(prices, 0.05, "none")) == [("A", 3, -0.1), ("C", 4, -0.0521)]
    assert told(drops(prices, 0.05, "median")) == [("A", 3, -0.06), ("C", 4, -0.0521)]
    assert told(drops(prices, 0.05, bars(100, 95))) == [("A", 3, -0.05)]


def test_the_threshold_itself_counts() -> None:
    """So much or more."""
    assert len(drops({"A": bars(128, 120)}, 0.0625, "none")) == 1
    assert drops({"A": bars(128, 120)}, 0.0626, "none") == []


def test_a_change_over_a_gap_is_no_drop_of_a_day() -> None:
    """Where the share's own file lacks the trading day before."""
    gap = [Bar(MONDAY, 100.0), Bar(MONDAY + timedelta(days=2), 50.0)]
    assert drops({"A": gap, "B": bars(100, 100, 100)}, 0.05, "none") == []
    assert len(drops({"A": gap}, 0.05, "none")) == 1  # nobody traded in between


def test_a_stray_day_of_one_file_is_no_trading_day() -> None:
    """A price on a Sunday in one of three files leaves the Mondays of the others as they are."""
    monday = MONDAY + timedelta(days=7)
    week = [Bar(MONDAY + timedelta(days=4), 100.0), Bar(monday, 90.0)]
    stray = [week[0], Bar(monday - timedelta(days=1), 100.0), week[1]]
    found = drops({"A": week, "B": week, "C": stray}, 0.05, "none")
    assert [(drop.symbol, drop.before) for drop in found] == [("A", week[0].day), ("B", week[0].day)]


def test_an_event_begins_with_the_close_before() -> None:
    """In the exchange's zone, and ends in the evening."""
    found = event_of(Drop("A", date(2026, 3, 9), date(2026, 3, 6), -0.1, 0.01), "entity:a", HOURS, 12)
    assert (found.onset, found.end) == (
        datetime(2026, 3, 6, 21, tzinfo=UTC),
        datetime(2026, 3, 10, tzinfo=UTC),
    )
    assert found.note == "A -10.0% on 2026-03-09, -11.0% against the market, 12 distinct texts"


def test_texts_are_counted_once() -> None:
    """Copies with another link, account or case are one text; both edges belong to the window."""
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    known = Texts()
    for hours, text in enumerate(
        ["Acme recalls pumps", "RT @desk: ACME recalls pumps! https://a.example/x", "Acme sues", "Acme pays", "late"]
    ):
        known.add(
            ["entity:acme", "entity:other"] if hours < 3 else ["entity:acme"], begin + timedelta(hours=hours), text
        )
    assert known.distinct("entity:acme", begin, begin + timedelta(hours=3)) == 3
    assert known.distinct("entity:other", begin, begin + timedelta(hours=9)) == 2
    assert known.distinct("entity:acme", begin + timedelta(hours=1, seconds=1), begin + timedelta(hours=2)) == 1
    assert known.distinct("entity:none", begin, begin) == 0
    assert (known.first, known.last) == (begin, begin + timedelta(hours=4))


@given(closes=st.lists(st.floats(1, 1000), min_size=2, max_size=30), low=st.floats(0.01, 0.2), high=st.floats(0.2, 0.5))
def test_a_higher_threshold_finds_some_of_the_same(closes: list[float], low: float, high: float) -> None:
    """And no others."""
    prices = {"A": bars(*closes)}
    assert set(drops(prices, high, "none")) <= set(drops(prices, low, "none"))
