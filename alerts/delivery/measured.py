"""How good a rule was on history, in one sentence, for whoever has to decide whether to get up."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from alerts.delivery.phrases import cut, number, say
from alerts.evaluation.badge import Badge
from alerts.evaluation.result import Interval

DATA_LIMIT: Final = 60  # characters of the name of the data
HOUR: Final = 3600.0
DAY: Final = 86_400.0


def measured(badge: Badge, lang: str) -> str:
    """`This rule, measured: precision 0.31, recall 0.65, median delay 42 min (StockNet 2014, 17 events).`

    A figure that nothing could be computed for is left out.
    """
    parts = [
        _share("precision", badge.precision, badge.precision_interval, lang),
        _share("recall", badge.recall, badge.recall_interval, lang),
        "" if badge.delay_median_s is None else say("measured.delay", lang, delay=lasting(badge.delay_median_s, lang)),
    ]
    if badge.false_per_subject_day is not None:
        parts.append(say("measured.false", lang, rate=rate(badge.false_per_subject_day)))
    return say(
        "measured",
        lang,
        figures=say("comma", lang).join(part for part in parts if part),
        data=cut(badge.data, DATA_LIMIT),
        period=period(badge.begin, badge.end),
        events=number(badge.events),
    )


def lasting(seconds: float, lang: str) -> str:
    """A length of time for reading: minutes below two hours, then hours, then days; with its sign."""
    for key, size, least in (("days", DAY, 2 * DAY), ("hours", HOUR, 2 * HOUR)):
        if abs(seconds) >= least:
            return say(key, lang, count=f"{seconds / size:.1f}".removesuffix(".0"))
    return say("minutes", lang, count=f"{seconds / 60:.0f}")


def period(begin: datetime, end: datetime) -> str:
    """The years of a history; its months where it is shorter than most of a year."""
    last = end - timedelta(microseconds=1)
    form = "%Y" if end - begin > timedelta(days=300) else "%Y-%m"
    first, final = f"{begin:{form}}", f"{max(begin, last):{form}}"
    return first if first == final else f"{first}–{final}"


def rate(value: float) -> str:
    """A number such as false alarms a subject-day, to two digits that count and never as a power of ten: 0.0015, 0.12,
    3.4, 120."""
    if not value:
        return "0"
    if not math.isfinite(value):
        return "∞"
    return f"{value:,.{max(0, 1 - math.floor(math.log10(abs(value))))}f}"


def _share(figure: str, value: float | None, interval: Interval | None, lang: str) -> str:
    if value is None:
        return ""
    if interval is None:
        return say(f"measured.{figure}", lang, value=f"{value:.2f}")
    told = say("measured.interval", lang, value=f"{value:.2f}", low=f"{interval.low:.2f}", high=f"{interval.high:.2f}")
    return say(f"measured.{figure}", lang, value=told)
