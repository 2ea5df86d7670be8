"""The life of alerts about Tocsin itself: probes in, alert events out. Pure; the same states as alerts of rules.

What is open is a `Book`. It travels as a file, and the topic `alerts` has the last word: `restore` folds what was
written there since, so a restart, a crash between writing and noting, or a lost file neither loses nor doubles a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct
from msgspec.structs import replace

from alerts.checks import Check, Probe, Seconds, Unit, holds
from alerts.lifecycle import Reason
from streams.plain import plain
from streams.records import AlertEvent, Severity, State, digest

KIND: Final = "system"
LANGUAGES: Final = ("en", "zh")
LEVELS: Final = ("info", "warning", "critical")
FACT_LIMIT: Final = 120  # characters of one fact in a sentence
MOST_UNSENT: Final = 1000  # events held before those nobody was to be rung for are forgotten
_SIZES: Final = ((86_400, "days"), (3600, "hours"), (60, "minutes"))


class Open(Struct, frozen=True, kw_only=True):
    """An alert under way. `event` is the last word about it."""

    key: str
    what: str
    held_last: datetime  # when it last held
    event: AlertEvent

    @property
    def firing(self) -> bool:
        """Whether people were rung."""
        return self.event.state != "pending"


class Book(Struct, kw_only=True):
    """Everything the watcher remembers of its alerts."""

    open: dict[str, Open] = {}
    unsent: list[AlertEvent] = []  # not yet durable in Kafka, in order
    offset: int = 0  # of the topic `alerts`: everything before it is contained
    explained: dict[str, datetime] = {}  # when something else was last the cause


def firing(book: Book) -> list[AlertEvent]:
    """The last words of the alerts that fire, the oldest first."""
    return sorted((o.event for o in book.open.values() if o.firing), key=lambda event: (event.since, event.id))


def step(book: Book, probes: Iterable[Probe], table: Mapping[str, Check], now: datetime) -> list[AlertEvent]:
    """Take in one round of settled probes; returns the new events, which are `unsent` now."""
    seen = {probe.key: probe for probe in probes}
    blind = {probe.what for probe in seen.values() if probe.key == probe.what and probe.value is None}
    events: list[AlertEvent] = []
    _note_causes(book, seen.values(), table, now)
    for key, probe in seen.items():
        if not probe.held:
            events += _judge(book, key, probe, table[probe.what], now)
    for key, alert in list(book.open.items()):
        if key not in seen and alert.what not in blind:  # there is no such thing any more, or it is well again
            events += _end(book, alert, table[alert.what], Probe(alert.what, value=0.0), now)
    book.unsent += events
    if len(book.unsent) > MOST_UNSENT:
        book.unsent = _worth_telling(book.unsent)
    return events


def _worth_telling(unsent: Iterable[AlertEvent]) -> list[AlertEvent]:
    """Without alerts that began and lapsed while nothing could be written: nobody was to be rung."""
    held = list(unsent)
    whole = {e.alert for e in held if e.sequence == 0} & {e.alert for e in held if e.reason == "lapsed"}
    return [event for event in held if event.alert not in whole]


def _judge(book: Book, key: str, probe: Probe, check: Check, now: datetime) -> list[AlertEvent]:
    alert = book.open.get(key)
    if not holds(probe, check):
        return [] if alert is None else _end(book, alert, check, probe, now)
    if (alert is None or not alert.firing) and _recovers(book, probe, check, now):
        return [] if alert is None else _end(book, alert, check, Probe(probe.what, probe.which, 0.0), now)
    if alert is None:
        return _begin(book, key, probe, check, now)
    book.open[key] = alert = replace(alert, held_last=now)
    fresh = _event(alert.event, probe, check, now)
    if not alert.firing:
        if now - alert.event.since < timedelta(seconds=check.for_):
            return []
        return [_say(book, alert, fresh, "firing", "held")]
    if LEVELS.index(fresh.severity) > LEVELS.index(alert.event.severity):
        return [_say(book, alert, fresh, "updated", "severity")]
    return []


def _note_causes(book: Book, probes: Iterable[Probe], table: Mapping[str, Check], now: datetime) -> None:
    explained = {probe.key: now for probe in probes if probe.explained}
    oldest = now - timedelta(seconds=max(check.after for check in table.values()))
    book.explained = {key: at for key, at in (book.explained | explained).items() if at > oldest}


def _recovers(book: Book, probe: Probe, check: Check, now: datetime) -> bool:
    """Whether its cause is over since a moment only: what stood still because of that needs some time to move."""
    times = [at for key in (probe.key, probe.what) if (at := book.explained.get(key)) is not None]
    return bool(times) and now - max(times) < timedelta(seconds=check.after)


def _begin(book: Book, key: str, probe: Probe, check: Check, now: datetime) -> list[AlertEvent]:
    subject = f"{KIND}:{key}"
    id_ = digest(check.rule, subject, now.isoformat())
    state: State = "pending" if check.for_ else "firing"
    blank = AlertEvent(
        id=f"{id_}.0", alert=id_, sequence=0, state=state, reason="began" if check.for_ else "held", rule=check.rule,
        rule_hash=check.hash, severity=check.severity(1.0), subject=subject, name=key, at=now, since=now,
        window_seconds=check.window, observed=0.0, expected=None, low=None, high=None, unit=check.unit, p_value=None,
        support=0, documents=0, stories=0, sources=0, authors=0, evidence=(), models=(), labels={}, kind=KIND,
        ladder={str(level): times for level, times in check.ladder.items()},
    )  # fmt: skip
    event = _event(blank, probe, check, now)
    book.open[key] = Open(key=key, what=probe.what, held_last=now, event=event)
    return [event]


def _end(book: Book, alert: Open, check: Check, probe: Probe, now: datetime) -> list[AlertEvent]:
    if alert.firing and now - alert.held_last < timedelta(seconds=check.keep):
        return []
    reason: Reason = "ended" if alert.firing else "lapsed"
    over = {lang: say(f"{alert.what}.over", lang, **_facts(probe, check, alert.key, lang)) for lang in LANGUAGES}
    annotations = alert.event.annotations | over | {f"fix_{lang}": "" for lang in LANGUAGES}
    event = replace(alert.event, at=now, observed=float(probe.value or 0.0), annotations=annotations)
    said = _say(book, alert, event, "resolved", reason)
    del book.open[alert.key]
    return [said]


def _say(book: Book, alert: Open, event: AlertEvent, state: State, reason: Reason) -> AlertEvent:
    sequence = alert.event.sequence + 1
    said = replace(event, id=f"{event.alert}.{sequence}", sequence=sequence, state=state, reason=reason)
    book.open[alert.key] = replace(alert, event=said)
    return said


def _event(former: AlertEvent, probe: Probe, check: Check, now: datetime) -> AlertEvent:
    """The alert as it is now: what was measured, how far beyond, and the sentences; never less severe than it was."""
    bound = float(check.bound if probe.bound is None else probe.bound)
    value = float(probe.value or 0.0)
    beyond = value / bound if bound else 1.0
    severity: Severity = max(former.severity, check.severity(beyond), key=LEVELS.index)
    annotations: dict[str, str] = {}
    for lang in LANGUAGES:
        facts = _facts(probe, check, probe.key, lang)
        annotations[lang] = say(f"{probe.what}.says", lang, **facts)
        annotations[f"fix_{lang}"] = say(f"{probe.what}.fix", lang, **facts)
        annotations[f"name_{lang}"] = say(f"{probe.what}.name", lang, **facts)
    name = annotations["name_en"]
    return replace(
        former, at=now, name=name, severity=severity, observed=value, bound=bound, beyond=beyond,
        annotations=annotations,
    )  # fmt: skip


# ---- sentences


@cache
def catalogue(lang: str) -> dict[str, str]:
    """The sentences of one language, by key."""
    source = (files("alerts") / "texts" / f"watch.{lang}.yaml").read_text(encoding="utf-8")
    return {
        f"{what}.{part}": str(text) for what, parts in yaml.safe_load(source).items() for part, text in parts.items()
    }


def say(key: str, lang: str, **values: object) -> str:
    """One sentence, filled. Values are inserted as they are: braces in them mean nothing."""
    return catalogue(lang)[key].format_map(_Known(values))


class _Known(dict[str, object]):
    """Facts of a sentence. One that nobody measured (of an alert whose subject is gone) is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _facts(probe: Probe, check: Check, key: str, lang: str) -> dict[str, object]:
    bound = check.bound if probe.bound is None else probe.bound
    facts: dict[str, object] = {
        name: amount(value, "seconds", lang) if isinstance(value, Seconds) else plain(str(value), FACT_LIMIT)
        for name, value in probe.facts.items()
    }
    return facts | {
        "which": plain(key.partition("/")[2], FACT_LIMIT),
        "value": amount(probe.value or 0.0, check.unit, lang),
        "bound": amount(bound, check.unit, lang),
    }


def amount(value: float, unit: Unit, lang: str) -> str:
    """A figure as it is read: durations in the largest fitting unit."""
    if unit != "seconds":
        return f"{value:.3g}" if unit == "bits" else f"{value:,.0f}"
    for size, name in _SIZES:
        if value >= 2 * size or (size == 60 and value >= size):
            return say(f"units.{name}", lang, count=f"{value / size:.1f}".removesuffix(".0"))
    return say("units.seconds", lang, count=f"{value:.0f}")


# ---- restart


def encode_book(book: Book) -> bytes:
    """The book as a file."""
    return msgspec.json.encode(book)


def decode_book(data: bytes) -> Book:
    """The book in a file; an empty one, for which the whole topic is read, when it is damaged."""
    try:
        return msgspec.json.decode(data, type=Book)
    except msgspec.DecodeError:
        return Book()


def restore(book: Book, written: Iterable[AlertEvent], table: Mapping[str, Check]) -> None:
    """Make the book agree with what stands in the topic from `book.offset` on."""
    known = {event.id for event in book.unsent}
    durable: set[str] = set()
    for event in written:
        what = event.rule.removeprefix("tocsin-")
        if event.kind != KIND or what not in table or not event.rule.startswith("tocsin-"):
            continue
        durable.add(event.id)
        if event.id not in known:
            _take(book, event, what)
    book.unsent = [event for event in book.unsent if event.id not in durable]


def _take(book: Book, event: AlertEvent, what: str) -> None:
    key = event.subject.removeprefix(f"{KIND}:")
    alert = book.open.get(key)
    if alert is not None and alert.event.alert == event.alert and alert.event.sequence >= event.sequence:
        return
    if event.state == "resolved":
        if alert is not None and alert.event.alert == event.alert:
            del book.open[key]
        return
    held_last = event.at if alert is None else max(alert.held_last, event.at)
    book.open[key] = Open(key=key, what=what, held_last=held_last, event=event)


def describe(event: AlertEvent) -> dict[str, Any]:
    """An open alert for `tocsin status`."""
    fields = ("alert", "rule", "subject", "severity", "since", "annotations")
    return {name: getattr(event, name) for name in fields}
