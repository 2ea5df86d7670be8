"""How the sources stand, for people: by what the watcher remembers, its bounds and its functions, so that a page and
an alert cannot disagree. Reads files and the metrics of `collect`; changes nothing of the watcher's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

from alerts import habits
from alerts.checks import Probe, checks, holds
from alerts.habits import Habit
from alerts.watch import KIND, firing
from console.running import by_label, present, scrape
from console.watch.process import folder, read_book
from console.watch.sources import HABITS, read_habits, silence_of
from streams.settings import Settings
from streams.sources.collector import feeds_of

State = Literal["ok", "silent", "failing", "unknown"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the sources at one moment. `rejected`: items refused since `collect` started, by source."""

    feeds: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()  # subjects of the alerts about Tocsin itself that fire
    habits: Mapping[str, Habit] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)


def standing(settings: Settings) -> Standing:
    """What files and metrics say now. Blocks for as long as `collect` takes to answer."""
    try:
        feeds = frozenset(feed.source for feed in feeds_of(settings))
    except (ValueError, OSError) as error:
        log.warning("sources.feeds", error=str(error)[:500])
        feeds = frozenset()
    rejected: dict[str, int] = {}
    for note in present(settings):
        samples = scrape(note["url"]) if note["stage"] == "collect" else None
        refused = by_label(samples or {}, "tocsin_source_items_total", "source", outcome="rejected")
        for name, count in refused.items():
            rejected[name] = rejected.get(name, 0) + int(count)
    told = frozenset(event.subject for event in firing(read_book(settings)))
    return Standing(feeds, told, read_habits(folder(settings) / HABITS), rejected)


def usual_gap(of: Standing, source: str) -> float | None:
    """Median seconds between arrivals of a source that is watched; None before it has a habit."""
    habit = of.habits.get(source)
    return None if habit is None else habits.gap(habit)


def state_of(of: Standing, settings: Settings, source: str, last: datetime | None, now: datetime) -> State:
    """How a source stands.

    `silent` and `failing` are said of feeds only, as the watcher says them, and nothing is said of them while no
    watcher looks. What is pushed or read from files is not watched one by one: it is well as long as its last document
    is younger than the shortest silence that is told.
    """
    check, at = checks(settings)["silent"], now.timestamp()
    if f"{KIND}:{Probe('source', source).key}" in of.told:
        return "failing"
    habit = of.habits.get(source)
    if habit is None:
        fresh = last is not None and at - last.timestamp() < check.bound
        return "ok" if fresh else "unknown"
    if at - habit.looked > habits.AWAY:
        return "unknown"
    probe = silence_of(check, source, habit, at)
    return "silent" if probe is not None and holds(probe, check) else "ok"
