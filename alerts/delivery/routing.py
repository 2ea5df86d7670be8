"""Whom an alert concerns, and when they may be told: routes, schedules, inhibitions. Pure: time is an argument.

Names and meaning are those of Prometheus' Alertmanager (`group_by`, `group_wait`, `group_interval`,
`repeat_interval`, `continue`, `equal`), so that what an operator knows of it holds here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from alerts.rules import LEVELS, Duration, Level
from streams.records import AlertEvent, digest

FIELDS: Final = ("rule", "kind", "severity", "subject", "name")
LABEL: Final = "labels."
SYSTEM: Final = "system"
CHANNEL_RULE: Final = "tocsin-channel"
CHANNEL_SUBJECT: Final = "system:channel/"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

NAME: Final = r"^[a-z][a-z0-9-]{0,63}$"
CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"

Name = Annotated[str, Meta(pattern=NAME)]
Text = Annotated[str, Meta(min_length=1, max_length=256)]
Values = Text | tuple[Text, ...]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Moment = Annotated[str, Meta(pattern=CLOCK)]


class AtLeast(Struct, frozen=True, forbid_unknown_fields=True):
    """A severity and all above it."""

    at_least: Level


class Match(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which alerts: every field given must hold; of several values one. A value may end in `*`."""

    rule: Values | None = None
    kind: Values | None = None  # type of the rule; "system" for what Tocsin says of itself
    severity: Level | tuple[Level, ...] | AtLeast | None = None
    subject: Values | None = None  # entity:AAPL, topic:legal, entity:*
    name: Values | None = None
    labels: dict[Text, Values] = {}

    def holds(self, event: AlertEvent) -> bool:
        """Whether the alert is meant."""
        if isinstance(self.severity, AtLeast):
            if LEVELS.index(event.severity) < LEVELS.index(self.severity.at_least):
                return False
        elif not _one_of(event.severity, self.severity):
            return False
        plain = ((event.rule, self.rule), (event.kind, self.kind), (event.subject, self.subject))
        return (
            all(_one_of(found, wanted) for found, wanted in plain)
            and _one_of(event.name, self.name)
            and all(name in event.labels and _one_of(event.labels[name], v) for name, v in self.labels.items())
        )


class Escalate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Further receivers, when nobody has acknowledged so long after the first telling."""

    after: Duration
    to: Annotated[tuple[Name, ...], Meta(min_length=1)]
    at_least: Level = "critical"


class Route(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Who is told of what, together with what, and how often. Routes are tried in order; the first that matches is
    taken, and the next ones only with `continue`."""

    match: Match = msgspec.field(default_factory=Match)
    receivers: Annotated[tuple[Name, ...], Meta(min_length=1)]
    group_by: tuple[Text, ...] = ("rule",)
    group_wait: Duration = msgspec.field(default_factory=lambda: Duration(30))
    group_interval: Duration = msgspec.field(default_factory=lambda: Duration(300))
    repeat_interval: Duration = msgspec.field(default_factory=lambda: Duration(4 * 3600))
    quiet: tuple[Name, ...] = ()  # schedules within which it is held back …
    quiet_at_most: Level = "warning"  # … up to this severity
    only: tuple[Name, ...] = ()  # schedules outside which the route matches nothing
    escalate: Escalate | None = None
    continue_: bool = msgspec.field(name="continue", default=False)

    @cached_property
    def hash(self) -> str:
        """16 hex digits of everything the route says."""
        return digest(msgspec.json.encode(self, enc_hook=str, order="deterministic").decode())[:16]


class Schedule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Hours of certain days in one place; `to` before `from` ends on the day after."""

    days: tuple[Day, ...] = DAYS
    from_: Moment = msgspec.field(name="from", default="00:00")
    to: Moment = "24:00"
    zone: Text = "UTC"

    def inside(self, at: datetime) -> bool:
        """Whether the moment lies within the hours, by the clocks of the zone."""
        local = at.astimezone(self._zone)
        clock = local.hour * 60 + local.minute
        first, last = _minutes(self.from_), _minutes(self.to)
        today, before = DAYS[local.weekday()] in self.days, DAYS[(local.weekday() - 1) % 7] in self.days
        if first < last:
            return today and first <= clock < last
        return (today and clock >= first) or (before and clock < last)

    def change(self, at: datetime) -> datetime:
        """When `inside` may next be another than it is at `at`: the first boundary of any day after it."""
        local = at.astimezone(self._zone)
        texts = ("00:00", self.from_, self.to)
        found = [moment for days in (0, 1) for text in texts for moment in self._boundaries(local, days, text)]
        return min(moment for moment in found if moment > at)

    def _boundaries(self, local: datetime, days: int, text: str) -> Iterator[datetime]:
        """When clocks show that time of day: twice where they are set back."""
        minutes = _minutes(text)
        day = local.date() + timedelta(days=days + minutes // 1440)
        for fold in (0, 1):
            wall = datetime.combine(day, time(minutes // 60 % 24, minutes % 60, fold=fold), self._zone)
            yield wall.astimezone(ZoneInfo("UTC"))

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Inhibition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """While an alert like `source` fires, alerts like `target` that are `equal` in these fields are not told.

    What is a source itself is not held back by the same inhibition.
    """

    source: Match
    target: Match
    equal: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Routing:
    """All of it. `everything` are receivers that hear of every alert at once, whatever the routes say."""

    routes: tuple[Route, ...] = ()
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    inhibit: tuple[Inhibition, ...] = ()
    flapping: bool = False  # whether alerts that come and go are held back
    everything: tuple[str, ...] = ()

    def routes_for(self, event: AlertEvent, now: datetime) -> list[Route]:
        """The routes that concern the alert now, in order."""
        found: list[Route] = []
        for route in self.routes:
            if route.match.holds(event) and self._open(route, now):
                found.append(route)
                if not route.continue_:
                    break
        if self.everything:
            found.append(self.catch_all)
        return found

    def _open(self, route: Route, now: datetime) -> bool:
        return not route.only or any(self.schedules[name].inside(now) for name in route.only)

    @cached_property
    def catch_all(self) -> Route:
        """The route of `everything`: no waiting."""
        return Route(receivers=self.everything, group_wait=Duration(0), group_interval=Duration(0))

    @cached_property
    def by_hash(self) -> dict[str, Route]:
        """Every route by its hash."""
        return {route.hash: route for route in (*self.routes, *([self.catch_all] if self.everything else []))}

    def quiet_until(self, route: Route, event: AlertEvent, now: datetime) -> datetime | None:
        """When to look again, while quiet hours hold the alert back; None when they do not."""
        if LEVELS.index(event.severity) > LEVELS.index(route.quiet_at_most):
            return None
        holding = [self.schedules[name] for name in route.quiet if self.schedules[name].inside(now)]
        return min(schedule.change(now) for schedule in holding) if holding else None


def may_hear(event: AlertEvent, *, demo: bool) -> bool:
    """The one place that keeps history from everybody, and invented data from receivers not meant for it."""
    return not event.replay and (demo or not event.demo)


def broken_channel(event: AlertEvent) -> str:
    """Name of the channel that this alert says is broken: it cannot be told of that itself. Empty for others."""
    ours = event.kind == SYSTEM and event.rule == CHANNEL_RULE
    return event.subject.removeprefix(CHANNEL_SUBJECT) if ours else ""


def value_of(event: AlertEvent, name: str) -> str:
    """A field of the alert, or a label (`labels.desk`); empty when it has none."""
    if name.startswith(LABEL):
        return event.labels.get(name.removeprefix(LABEL), "")
    found: Any = getattr(event, name)
    return str(found)


def group_of(event: AlertEvent, names: Iterable[str]) -> dict[str, str]:
    """What alerts of one message have in common."""
    return {name: value_of(event, name) for name in names}


def _one_of(found: str, wanted: str | Sequence[str] | None) -> bool:
    if wanted is None:
        return True
    values = (wanted,) if isinstance(wanted, str) else wanted
    return any(found.startswith(v[:-1]) if v.endswith("*") else found == v for v in values)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
