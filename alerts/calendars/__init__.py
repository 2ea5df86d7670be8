"""What hour of its market's week an hour is: sessions, holidays and half days of the A-share, Hong Kong and US markets.

The days come from committed files (`cn.txt`, `hk.txt`, `us.txt`, made by `python -m alerts.calendars.build`). Outside
their range every weekday counts as a session; `known` says so, and `horizon` until when the holidays are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

Market = Literal["cn", "hk", "us", "none"]
Day = Literal["session", "weekend", "holiday"]  # holiday: a weekday without a session

ZONES: Final[dict[Market, str]] = {
    "cn": "Asia/Shanghai",
    "hk": "Asia/Hong_Kong",
    "us": "America/New_York",
    "none": "UTC",
}
# Continuous trading in local time, as the exchanges publish it; auctions before and after are left out.
HOURS: Final[dict[Market, tuple[tuple[time, time], ...]]] = {
    "cn": ((time(9, 30), time(11, 30)), (time(13), time(15))),
    "hk": ((time(9, 30), time(12)), (time(13), time(16))),
    "us": ((time(9, 30), time(16)),),
    "none": (),
}
SLOTS: Final = 72  # 24 hours each of session days, weekends and holidays
DAYS: Final[tuple[Day, ...]] = ("session", "weekend", "holiday")
FIRST_SLOT: Final[dict[Day, int]] = {day: 24 * number for number, day in enumerate(DAYS)}
WEEKEND: Final = 5
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_US = re.compile(r"[A-Z]{1,5}(?:[.-][ABCK])?")  # the letter of a share class; .L and .T are other exchanges


@dataclass(frozen=True, slots=True)
class Calendar:
    """The holidays of one market from `first` to `last`; `early` are the closing times of half days."""

    market: Market
    first: date
    last: date
    holidays: frozenset[date] = frozenset()
    early: tuple[tuple[date, time], ...] = ()

    @classmethod
    def parse(cls, market: Market, text: str) -> Calendar:
        """The calendar in a file's text; ValueError names the line that cannot be read."""
        bounds: dict[str, date] = {}
        holidays: set[date] = set()
        early: list[tuple[date, time]] = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].split()
            try:
                if len(words) == 2 and words[0] in ("from", "until"):
                    bounds[words[0]] = date.fromisoformat(words[1])
                elif len(words) == 2:
                    early.append((date.fromisoformat(words[0]), time.fromisoformat(words[1])))
                elif words:
                    holidays.add(date.fromisoformat(" ".join(words)))
            except ValueError:
                raise ValueError(f"calendar of {market}, line {number}: expected a date, got {line!r}") from None
        if bounds.keys() != {"from", "until"}:
            raise ValueError(f"calendar of {market}: it needs a line `from DATE` and a line `until DATE`")
        return cls(market, bounds["from"], bounds["until"], frozenset(holidays), tuple(sorted(early)))

    def knows(self, day: date) -> bool:
        """Whether the holidays of this day are known; where not, every weekday counts as a session."""
        return self.first <= day <= self.last

    def kind(self, day: date) -> Day:
        """What kind of day it is in this market."""
        if day.weekday() >= WEEKEND:
            return "weekend"
        return "holiday" if day in self.holidays else "session"

    def hours(self, day: date) -> tuple[tuple[time, time], ...]:
        """The trading hours of a day in local time, without the lunch break; none on a day without a session."""
        if self.kind(day) != "session":
            return ()
        close = dict(self.early).get(day, time.max)
        return tuple((opens, min(closes, close)) for opens, closes in HOURS[self.market] if opens < close)


@cache
def calendar(market: Market) -> Calendar:
    """The calendar of a market; that of "none" has no holidays and no trading hours, and no end."""
    if market == "none":
        return Calendar(market, date.min, date.max)
    return Calendar.parse(market, Path(__file__).with_name(f"{market}.txt").read_text(encoding="utf-8"))


def known(market: Market, day: date) -> bool:
    """Whether the holidays of this day are known."""
    return calendar(market).knows(day)


def horizon(market: Market) -> date:
    """The last day whose holidays are known; `date.max` for "none"."""
    return calendar(market).last


def local_day(market: Market, at: datetime) -> date:
    """The date in the market at an aware time."""
    return at.astimezone(_zone(market)).date()


def trading(market: Market, at: datetime) -> bool:
    """Whether the market trades at an aware time; never in "none"."""
    local = at.astimezone(_zone(market))
    return any(opens <= local.time() < closes for opens, closes in calendar(market).hours(local.date()))


def slot(market: Market, hour: int) -> int:
    """The slot of the market's week of an hour since 1970 (UTC): 0-23 session days, 24-47 weekends, 48-71 holidays."""
    return slots(market, hour // 24)[hour % 24]


@lru_cache(maxsize=4096)
def slots(market: Market, day: int) -> tuple[int, ...]:
    """The slots of the 24 hours of a UTC day, counted in days since 1970."""
    found = []
    for hour in range(24):
        local = (EPOCH + timedelta(days=day, hours=hour)).astimezone(_zone(market))
        found.append(FIRST_SLOT[calendar(market).kind(local.date())] + local.hour)
    return tuple(found)


def market_of(subject: str) -> Market:
    """The market a subject trades on, by the suffix of an entity's id.

    `.SH`, `.SZ`, `.BJ` are A-shares, `.HK` Hong Kong; one to five capital letters are taken for a US ticker. Everything
    else (topics, sources, lists, other exchanges, companies without a listing) lives by UTC, Monday to Friday. A short
    id in capitals that is no ticker gets New York's hours: its season is learnt all the same, at another hour's name.
    """
    kind, _, name = subject.partition(":")
    if kind != "entity":
        return "none"
    if name.endswith((".SH", ".SZ", ".BJ")):
        return "cn"
    if name.endswith(".HK"):
        return "hk"
    return "us" if _US.fullmatch(name) else "none"


@cache
def _zone(market: Market) -> ZoneInfo:
    return ZoneInfo(ZONES[market])
