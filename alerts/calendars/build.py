"""Makes cn.txt, hk.txt and us.txt: `uv run --with exchange-calendars python -m alerts.calendars.build`.

Takes the days without a session and the shortened ones from the package exchange_calendars (Apache-2.0, needed only
here), up to the last year end that the exchange has published: beyond it the package, too, only applies a rule.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.calendars import WEEKEND, ZONES, Market

FIRST: Final = date(2013, 1, 1)
# The exchange's code in the package, and the last day for which its holidays were public in November 2026.
EXCHANGES: Final[dict[Market, tuple[str, date]]] = {
    "cn": ("XSHG", date(2026, 12, 31)),
    "hk": ("XHKG", date(2027, 12, 31)),
    "us": ("XNYS", date(2028, 12, 31)),
}


def lines(calendar: Any, zone: ZoneInfo, last: date) -> list[str]:
    """A line for each weekday without a session, and for each shortened session with its closing time."""
    sessions = {moment.date() for moment in calendar.sessions}
    early = {moment.date(): calendar.closes[moment].astimezone(zone) for moment in calendar.early_closes}
    found = []
    for number in range((last - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        if day in early:
            found.append(f"{day} {early[day]:%H:%M}")
        elif day.weekday() < WEEKEND and day not in sessions:
            found.append(str(day))
        elif day.weekday() >= WEEKEND and day in sessions:
            raise ValueError(f"{day} is a session on a weekend: the format has no room for it")
    return found


def main() -> None:
    """Write the three files beside this one."""
    package: Any = importlib.import_module("exchange_calendars")
    version = importlib.metadata.version("exchange-calendars")
    for market, (exchange, last) in EXCHANGES.items():
        calendar = package.get_calendar(exchange, start=str(FIRST), end=str(last))
        found = lines(calendar, ZoneInfo(ZONES[market]), last)
        head = [
            f"# Weekdays without a session of {exchange}, and sessions that close early (local time).",
            f"# From exchange_calendars {version} (Apache-2.0).",
            f"from {FIRST}",
            f"until {last}",
        ]
        Path(__file__).with_name(f"{market}.txt").write_text("\n".join(head + found) + "\n", encoding="utf-8")
        print(f"{market}: {len(found)} days, until {last}")  # noqa: T201 - a tool for the terminal


if __name__ == "__main__":
    main()
