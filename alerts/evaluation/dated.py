"""Dated events as others note them, as truth. Pure.

A list of objects with `entity`, `date` (a day), and if wanted `kind` (negative, control), `window`, `stream`, `lang`
and `note`; other fields are left alone. A window such as `prev close 16:00 ET .. 20:00 ET` begins with the close of the
trading day before the date and ends that evening; without one the event is known to the day: it lasts from the day's
beginning to the end of the next, where its language is read (zh: China, else UTC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.calendars import calendar
from alerts.evaluation.truth import YEARS, TruthEvent
from alerts.sayings import saying
from alerts.yaml_structs import Tree, suggest, unknown_word

SOURCE: Final = "dated events"
WINDOW: Final = re.compile(
    r"prev(?:ious)?\s+close\s+(?P<open>\d{1,2}:\d{2})\s+(?P<first>\S+)\s*\.\.\s*(?P<close>\d{1,2}:\d{2})\s+(?P<last>\S+)",
    re.IGNORECASE,
)
NEW_YORK: Final = "America/New_York"
ZONES: Final = {"ET": NEW_YORK, "EST": NEW_YORK, "EDT": NEW_YORK, "UTC": "UTC", "GMT": "UTC"}
CHINA: Final = "Asia/Shanghai"
KINDS: Final = ("negative", "control")
ONE: Final = timedelta(days=1)


def is_dated(entries: Sequence[Any]) -> bool:
    """Whether this is such a list and not our own shape."""
    return any(isinstance(entry, dict) and {"entity", "date"} <= entry.keys() for entry in entries)


def read_dated(entries: Sequence[Any], tree: Tree, at: str, stream: str = "") -> list[tuple[str, TruthEvent]]:
    """The events with where each stands, subjects as they are written; only those whose `stream` contains the given
    word. Faults are noted in the tree."""
    found: list[tuple[str, TruthEvent]] = []
    for number, entry in enumerate(entries):
        place = f"{at}[{number}]"
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("entity", "date")):
            tree.fault(place, saying("dated_event"))
        elif stream in _text(entry, "stream"):
            event = _event(entry, tree, place)
            if event is not None:
                found.append((place, event))
    return found


def previous_session(day: date) -> date:
    """The US trading day before a day; where its holidays are not known (`alerts.calendars`), the weekday before."""
    before = day - ONE
    while calendar("us").kind(before) != "session":
        before -= ONE
    return before


def _event(entry: dict[str, Any], tree: Tree, place: str) -> TruthEvent | None:
    try:
        day = date.fromisoformat(entry["date"])
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        tree.fault(f"{place}.date", saying("no_day", word=entry["date"]))
        return None
    kind = _text(entry, "kind") or "negative"
    if kind not in KINDS:
        tree.fault(f"{place}.kind", unknown_word(kind, KINDS), suggest(kind, KINDS))
        return None
    lang, window = _text(entry, "lang"), _text(entry, "window")
    times = _stated(day, window, tree, f"{place}.window") if window else _whole(day, lang)
    if times is None:
        return None
    written = {
        "subject": entry["entity"],
        "name": entry["entity"],
        "onset": times[0],
        "end": times[1],
        "kind": kind,
        "note": _text(entry, "note"),
        "lang": lang,
        "day_only": not window,
        "source": SOURCE,
        "stream": _text(entry, "stream"),
    }
    try:
        return msgspec.convert(written, TruthEvent)
    except msgspec.ValidationError as error:
        tree.wrong_value(place, error)
        return None


def _stated(day: date, window: str, tree: Tree, place: str) -> tuple[datetime, datetime] | None:
    found = WINDOW.fullmatch(window.strip())
    if found is None:
        tree.fault(place, saying("no_window", window=window))
        return None
    try:
        begin = _at(previous_session(day), found["open"], found["first"])
        end = _at(day, found["close"], found["last"])
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for names that are none, odd ones included
        tree.fault(place, saying("window_zone", window=window, known=", ".join(ZONES)))
        return None
    if end < begin:
        tree.fault(place, saying("window_order", window=window))
        return None
    return begin, end


def _at(day: date, clock: str, zone: str) -> datetime:
    hour, _, minute = clock.partition(":")
    local = datetime.combine(day, time(int(hour), int(minute)), ZoneInfo(ZONES.get(zone.upper(), zone)))
    return local.astimezone(UTC)


def _whole(day: date, lang: str) -> tuple[datetime, datetime]:
    zone = ZoneInfo(CHINA if lang.startswith("zh") else "UTC")
    begin, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + 2 * ONE))
    return begin, end


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
