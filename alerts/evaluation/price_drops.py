"""Falls in price as truth: days on which a share lost more than the market. Pure: tables of prices in, events out.

An event begins with the close of the trading day before, because what moved the price was said after it, and ends in
the evening of the day. A fall says that something happened, not that anybody wrote about it: `Texts` tells which days
had distinct texts about the company too.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from itertools import pairwise
from statistics import median
from typing import Final, Literal, NamedTuple

from alerts.evaluation.truth import YEARS, TruthEvent
from alerts.sayings import saying
from alerts.yaml_structs import Fault, FileRefused, suggest
from streams.signature import copy_key

SOURCE: Final = "falls in price"
EVENING: Final = time(20)  # the end of after-hours trading in the US
DIGITS: Final = 9  # of a change: what binary fractions add beyond that decides nothing
DELIMITERS: Final = ",;\t|"
DAYS: Final = ("date", "day", "datetime", "timestamp")
PRICES: Final = (
    "adj close",
    "adj_close",
    "adjclose",
    "adjusted close",
    "adjusted_close",
    "close",
)  # the first there is


class Bar(NamedTuple):
    """The close of one day, adjusted for splits and dividends where the file says it."""

    day: date
    close: float


class Drop(NamedTuple):
    """One day on which one share fell."""

    symbol: str
    day: date
    before: date  # the trading day before
    change: float  # a share of 1, negative
    market: float  # change of what it is measured against; 0 without an adjustment


@dataclass(frozen=True, slots=True)
class Hours:
    """When a day of the exchange ends."""

    close: time
    zone: tzinfo
    evening: time = EVENING

    def window(self, drop: Drop) -> tuple[datetime, datetime]:
        """Onset and end of a drop."""
        begin = datetime.combine(drop.before, self.close, self.zone)
        end = datetime.combine(drop.day, self.evening, self.zone)
        return begin.astimezone(UTC), end.astimezone(UTC)


class Texts:
    """Distinct texts by subject and time. Two texts are the same when their `streams.signature.copy_key` is: the text
    without links, names of accounts, `RT`, case and punctuation."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, subjects: Iterable[str], at: datetime, text: str) -> None:
        """A text about some subjects."""
        key = ""
        for subject in subjects:
            key = key or copy_key(text)
            insort(self._known[subject], (at, key))
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)

    def distinct(self, subject: str, begin: datetime, end: datetime) -> int:
        """How many there were, both ends included."""
        known = self._known.get(subject, [])
        first, last = bisect_left(known, (begin, "")), bisect_right(known, (end, chr(0x10FFFF)))
        return len({key for _, key in known[first:last]})


def read_prices(text: str, file: str) -> list[Bar]:
    """The days of a CSV table, in order; rows without a price are passed over. Columns are found by name in any case,
    the delimiter by the header. Raises FileRefused with the line of what cannot be read."""
    rows = _rows(text.lstrip("\ufeff"), file)
    _, names = next(rows, (1, []))
    head = [name.strip().lower() for name in names]
    day = next((head.index(name) for name in DAYS if name in head), None)
    price = next((head.index(name) for name in PRICES if name in head), None)
    if day is None or price is None:
        missing = "Date" if day is None else "Close"
        said = saying("no_column", missing=missing, head=", ".join(head)[:200])
        raise FileRefused([Fault(file, 1, said, suggest(missing.lower(), head))])
    found: dict[date, float] = {}
    for number, row in rows:
        if any(map(str.strip, row[len(head) :])):
            raise FileRefused([Fault(file, number, saying("many_fields", row=", ".join(row)[:200]))])
        if len(row) > max(day, price) and row[price].strip().lower() not in ("", "null", "nan", "none"):
            try:
                found[_day(row[day])] = _price(row[price])
            except ValueError:
                said = saying("no_price", day=row[day], price=row[price])
                raise FileRefused([Fault(file, number, said)]) from None
    return [Bar(at, found[at]) for at in sorted(found)]


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each is on. Raises FileRefused for what is no CSV."""
    try:
        yield from enumerate(csv.reader(text.splitlines(), delimiter=_delimiter(text)), 1)
    except csv.Error as error:
        raise FileRefused([Fault(file, 1, saying("no_csv", error=str(error)))]) from None


def drops(
    prices: Mapping[str, Sequence[Bar]], threshold: float, market: Literal["median", "none"] | Sequence[Bar]
) -> list[Drop]:
    """Days on which a share lost `threshold` (a share of 1) or more against the market, in order of day and symbol.

    `market`: the median change of all the shares that day, the changes of an index, or nothing. A day whose own file
    lacks the trading day before, as most files have it, is left out: its change is of several days. So is one without
    a figure for the market.
    """
    sessions = _sessions(prices)
    before = dict(zip(sessions[1:], sessions, strict=False))
    changes: dict[date, dict[str, float]] = defaultdict(dict)
    for symbol, bars in prices.items():
        for day, change in _changes(bars, before).items():
            changes[day][symbol] = change
    index = None if isinstance(market, str) else _changes(market, before)
    found: list[Drop] = []
    for day, of_day in changes.items():
        base = (median(of_day.values()) if market == "median" else 0.0) if index is None else index.get(day)
        if base is not None:
            fell = ((symbol, change) for symbol, change in of_day.items() if round(change - base, DIGITS) <= -threshold)
            found += [Drop(symbol, day, before[day], change, base) for symbol, change in fell]
    return sorted(found, key=lambda drop: (drop.day, drop.symbol))


def event_of(drop: Drop, subject: str, hours: Hours, texts: int | None = None) -> TruthEvent:
    """The drop as a truth event about a subject; `texts`: how many distinct ones there were, for the note."""
    begin, end = hours.window(drop)
    against = f", {drop.change - drop.market:+.1%} against the market" if drop.market else ""
    told = f", {texts} distinct texts" if texts is not None else ""
    return TruthEvent(
        subject=subject,
        name=drop.symbol,
        onset=begin,
        end=end,
        note=f"{drop.symbol} {drop.change:+.1%} on {drop.day}{against}{told}",
        source=SOURCE,
    )


def _sessions(prices: Mapping[str, Sequence[Bar]]) -> list[date]:
    """The trading days: on which half of the files that reach over them have a price, or more. One file with a stray
    Sunday takes no Monday from the others."""
    counts = Counter(bar.day for bars in prices.values() for bar in bars)
    known = [bars for bars in prices.values() if bars]
    firsts, lasts = sorted(bars[0].day for bars in known), sorted(bars[-1].day for bars in known)
    return [day for day in sorted(counts) if 2 * counts[day] >= bisect_right(firsts, day) - bisect_left(lasts, day)]


def _changes(bars: Sequence[Bar], before: Mapping[date, date]) -> dict[date, float]:
    return {this.day: this.close / last.close - 1 for last, this in pairwise(bars) if before.get(this.day) == last.day}


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def _day(word: str) -> date:
    """A day in any of the ways tables write it: 2014-10-21, 2014/10/21, 20141021, with or without a time."""
    digits = word.strip().replace("/", "-")[:10]
    found = date.fromisoformat(digits if "-" in digits else digits[:8])
    if found.year not in YEARS:
        raise ValueError(word)
    return found


def _price(word: str) -> float:
    """A price above 0; a comma is a decimal point where there is no other."""
    price = float(word.strip().replace(",", "" if "." in word else "."))
    if not 0 < price < float("inf"):
        raise ValueError(word)
    return price
